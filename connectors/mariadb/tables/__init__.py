"""The tables as SQLAlchemy models. Importing this package's modules opens no connection.

- `column_types`: the base class of all models, and column types for instants, JSON arrays and ids
- `scope`: columns, keys and conditions that restrict a table or a statement to one timekeeper
- `source_tables`: the tables that people and collectors write
- `ledger_tables`: the tables that `bill` writes, and the connector's own two

Enter by the model classes. Not here: the DDL that a server runs (`connectors.mariadb.migrations`) and the queries
(`source`, `billing`, `narration` and `audit`).
"""
