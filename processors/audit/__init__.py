"""Checks that the ledger follows from the activities: pure comparison, for one timekeeper at a time.

audit          the audit, and what two audits prove; findings is the closed list of what it can find
membership     activities and groups; decisions: feedback, releases, activations
minutes        entries and minutes, against expected_work and interval_measure
repair_plan    what repairs a finding

Reading the snapshot is in `connectors.mariadb.audit`; running audits is in `streams.verify`.
"""
