"""Commands that show what the pipeline has and change nothing: `timesheet` (table, page, JSON) and `watch`.

What operators look at is in `streams.ops`.
"""
