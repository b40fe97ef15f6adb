"""Alembic runs this for each upgrade. The connection comes from `connectors.mariadb.server.migrate`, not a file."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
