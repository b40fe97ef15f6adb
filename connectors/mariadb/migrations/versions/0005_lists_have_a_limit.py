"""Lists of ids and what a person saw have a limit: one row too large for the topic stopped capture for everybody.

Plain DDL, on purpose: Debezium reads every statement in the binlog, and stops at `ADD CONSTRAINT IF NOT EXISTS`.
"""

from alembic import op
from sqlalchemy import inspect

revision = "0005"
down_revision = "0004"

COLUMNS = (("feedback", "left_ids"), ("feedback", "right_ids"), ("release", "activity_ids"), ("release", "seen"))


def upgrade() -> None:
    """Adds each check if it is absent. Fails, naming the table, where a row is larger already."""
    for table, column in COLUMNS:
        name = f"ck_{table}_{column}_size"
        there = {check["name"] for check in inspect(op.get_bind()).get_check_constraints(table)}
        if name not in there:
            op.execute(f"ALTER TABLE `{table}` ADD CONSTRAINT {name} CHECK (octet_length({column}) <= 1000000)")
