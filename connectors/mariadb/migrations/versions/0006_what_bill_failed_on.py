"""Counts how often `bill` has failed on a record, so that the third time it becomes a dead letter."""

from alembic import op
from sqlalchemy import inspect

revision = "0006"
down_revision = "0005"

COLUMNS = {"failed_at": "BIGINT", "failures": "INTEGER NOT NULL DEFAULT '0'"}


def upgrade() -> None:
    """Adds each column if it is absent; again after a crash in the middle, since DDL can't be rolled back."""
    there = {column["name"] for column in inspect(op.get_bind()).get_columns("consumer_offset")}
    for name, kind in COLUMNS.items():
        if name not in there:
            op.execute(f"ALTER TABLE consumer_offset ADD COLUMN {name} {kind}")
