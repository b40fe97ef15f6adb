"""From activities and groups to the entries of each billing day: minutes that belong to one entry, matters, content.

Entered through `slicing.slice_days` and `drafts.drafted_days`; `affected_days` says what a change touches.
"""
