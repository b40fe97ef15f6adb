"""Blocking: the few earlier activities that each one is compared with, found by shared tokens.

Entered through `blocking.Candidates`. What a pair has in common is computed in `processors.grouping.features`.
"""
