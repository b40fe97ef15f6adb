"""Firms' grouping models, which activations name."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the table; again after a crash in the middle, since DDL can't be rolled back."""
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS model (
            firm_id BIGINT NOT NULL,
            version VARCHAR(128) NOT NULL,
            bytes LONGBLOB NOT NULL,
            created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
            PRIMARY KEY (firm_id, version),
            CONSTRAINT ck_model_bytes_size CHECK (octet_length(bytes) <= 8000000),
            CONSTRAINT fk_model_firm FOREIGN KEY(firm_id) REFERENCES firm (id)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
        """
    )
