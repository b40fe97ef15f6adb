"""An index by which bill finds the groups of a partition that it takes up."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes it if it is absent."""
    op.execute("CREATE INDEX IF NOT EXISTS ix_activity_group_changes_partition ON activity_group (changes_partition)")
