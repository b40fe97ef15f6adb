"""Progress: the records that are left to read at an offset, and how far topics have come.

The status that follows from it is decided in `processors.monitoring`.
"""
