"""Does what the pipeline says follow from what the database says? Pure comparison, for one timekeeper at a time."""
