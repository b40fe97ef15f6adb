"""MariaDB: the tables, their migrations and users, connections, and the rows as typed values.

The rooms, each of which imports only those before it:

- `tables`: table models, column types, statements for one timekeeper
- `server`: engines and their errors, transactions, migration, users, facts about a server
- `source`: the tables that capture reads, and the directory and models of a firm
- `billing`: the ledger that `bill` writes
- `narration`: entries that need a narrative, reservations and language model calls
- `audit`: marks, the ledger snapshot, resend and reingestion

`migrations` holds the Alembic migrations and `my.cnf` the server's settings. Not here: decisions about grouping and
billing (`processors`; SQL reads and writes what they decide) and capture itself (`connectors.debezium`).
"""
