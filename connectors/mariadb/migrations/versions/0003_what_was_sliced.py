"""What bill last sliced of each activity, and the indexes by which it reads a day."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS sliced_activity (
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        activity_id BIGINT NOT NULL,
        hash CHAR(32) NOT NULL,
        started_at DATETIME(6) NOT NULL,
        ended_at DATETIME(6),
        zone VARCHAR(64) NOT NULL,
        excluded BOOL NOT NULL,
        PRIMARY KEY (firm_id, timekeeper_id, activity_id),
        CONSTRAINT fk_sliced_activity_timekeeper FOREIGN KEY(firm_id, timekeeper_id)
            REFERENCES timekeeper (firm_id, id)
    ) ENGINE=InnoDB CHARSET=utf8mb4 COLLATE utf8mb4_bin
    """,
    """
    CREATE INDEX IF NOT EXISTS ix_activity_firm_id_timekeeper_id_ended_at
        ON activity (firm_id, timekeeper_id, ended_at)
    """,
    """
    CREATE INDEX IF NOT EXISTS ix_activity_firm_id_timekeeper_id_zone
        ON activity (firm_id, timekeeper_id, zone)
    """,
)


def upgrade() -> None:
    """Makes what is absent; again after a crash in the middle, since DDL can't be rolled back."""
    for statement in STATEMENTS:
        op.execute(statement)
