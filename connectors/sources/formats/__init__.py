"""A reader for each kind of file: event lines, calendars, tables, day notes, ActivityWatch exports, git repositories.

Each yields events; `connectors.sources.detect` chooses the reader. `gold_labels` reads true groups, which only
evaluation uses.
"""
