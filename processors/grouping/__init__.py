"""Deciding which activities are one piece of work.

    profile -> candidates -> features -> similarity -> links -> strands -> ties -> groups -> pruning -> confidence

`batch.group_all` decides a whole set; `working_set.WorkingSet` decides again only what a change touches, with the same
result to the byte.
"""
