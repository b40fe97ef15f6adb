"""The ledger of `bill`: groups as published, entries, minutes, periods, and the offset that the consumer has reached.

- `ingestion`: the entrance; stores a batch of `groups` and all that follows from it in one transaction
- `offsets`: external offsets, which are also the fence against a second owner
- `group_store`: published groups and their members
- `day_recomputer`, `slicing_input`, `entries`, `entry_changes`: recompute the affected days and write what differs
- `billing_rules`: the decisions that `ingestion` is given as functions
- `periods`: cadences and the periods that they close
- `timesheet_queries`: entries and minutes for a timesheet

Not here: the decisions themselves (`processors.billing`), narratives (`connectors.mariadb.narration`) and reading the
topic (`connectors.kafka`).
"""
