"""Decisions, as pure functions of values. No clock, no I/O, no asyncio and no randomness: those are arguments.

grouping, partition      which activities are one piece of work; one partition's state
billing                  cadences, time entries, narratives
audit                    whether the ledger follows from the activities, and the repair plan
monitoring, server_checks    whether the pipeline and a user's own servers are well
training, evaluation     grouping models, and how good they are
simulation               generated weeks

The values are defined in `schemas`. I/O is in `connectors`, and `streams` calls both.
"""
