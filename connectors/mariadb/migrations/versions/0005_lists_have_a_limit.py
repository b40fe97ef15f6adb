"""Lists of ids and what a person saw have a limit: one row too large for the topic stopped capture for everybody."""

from alembic import op

revision = "0005"
down_revision = "0004"

COLUMNS = (("feedback", "left_ids"), ("feedback", "right_ids"), ("release", "activity_ids"), ("release", "seen"))


def upgrade() -> None:
    """Adds each check if it is absent. Fails, naming the table, where a row is larger already."""
    for table, column in COLUMNS:
        op.execute(
            f"ALTER TABLE `{table}` ADD CONSTRAINT IF NOT EXISTS ck_{table}_{column}_size "
            f"CHECK (octet_length({column}) <= 1000000)"
        )
