"""The types that flow between the programs, and their encoding. Imports nothing of ours but itself.

- `values`, `keys`: the rows of a timekeeper as typed values; scopes and the keys of records
- `changes`, `row_decoders`: change events and captured rows, decoded into values
- `topics`, `groups`, `dead_letters`: what is on the topics, their settings, and the partitioner
- `billing`, `ledger_snapshot`: what billing and the audit pass around
- `outcomes`, `errors`: what a step returns for a record, and every exception of ours
- `checks`: what a program answers about its health, and facts about servers

Import the module that you need. Not here: decisions (`processors`), servers and files (`connectors`), the table models
(`connectors.mariadb.tables`).
"""
