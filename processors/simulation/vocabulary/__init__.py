"""The words of the generated week: invented names, and what people of each profession have on their screens."""
