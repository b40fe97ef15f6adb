"""The source tables: what collectors and people write, what capture reads, and what a firm owns.

- `activities`: what a collector does with activities: upsert, delete, count
- `captured_rows`: rows of the captured tables as the values that their change events give
- `directory`: firms, timekeepers, clients, matters and cadences
- `model_store`: grouping models of a firm, and which version each timekeeper is grouped with
- `snapshot_requests`: asks the connector for an incremental snapshot

Not here: the ledger (`connectors.mariadb.billing`) and reading people's files (`connectors.sources`).
"""
