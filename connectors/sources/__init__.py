"""Activity that a user has in files, read as one typed stream of events (`event.Event`).

detect      recognises what a path is and reads it: the one entry
formats     a reader for each kind of file, and the writer of the event form
exclusions  what a person keeps out, applied before anything is written
numbering   events as activities with ids

Nothing here writes to the database: that is `streams.files`.
"""
