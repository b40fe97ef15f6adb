"""Decides which activities are one piece of work, as pure functions, in the stages of docs/grouping.md.

    describe -> candidates -> features -> similarity -> clustering -> outcome

`batch.group_all` groups a whole set. `working_set.WorkingSet` decides again only what a change affects, with the same
result to the byte. `model` holds what is learned. `compiled` and `allocation` serve the loops in machine code.

Training is in `processors.training`, and measuring models in `processors.evaluation`. Nothing here reads or writes
topics or a database.
"""
