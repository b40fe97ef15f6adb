"""What people and collectors write."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS firm (
        id BIGINT NOT NULL AUTO_INCREMENT,
        name VARCHAR(191) NOT NULL,
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT uq_firm_name UNIQUE (name)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS timekeeper (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        email VARCHAR(191) NOT NULL,
        name VARCHAR(255) NOT NULL,
        zone VARCHAR(64) NOT NULL,
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT uq_timekeeper_firm_id_email UNIQUE (firm_id, email),
        CONSTRAINT uq_timekeeper_firm_id_id UNIQUE (firm_id, id),
        CONSTRAINT fk_timekeeper_firm FOREIGN KEY(firm_id) REFERENCES firm (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS client (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        name VARCHAR(191) NOT NULL,
        domains LONGTEXT NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT uq_client_firm_id_id UNIQUE (firm_id, id),
        CONSTRAINT uq_client_firm_id_name UNIQUE (firm_id, name),
        CONSTRAINT ck_client_domains_json CHECK (json_valid(domains)),
        CONSTRAINT fk_client_firm FOREIGN KEY(firm_id) REFERENCES firm (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS matter (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        client_id BIGINT NOT NULL,
        number VARCHAR(64) NOT NULL,
        name VARCHAR(255) NOT NULL,
        aliases LONGTEXT NOT NULL,
        billable BOOL NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT uq_matter_firm_id_id UNIQUE (firm_id, id),
        CONSTRAINT uq_matter_firm_id_number UNIQUE (firm_id, number),
        CONSTRAINT fk_matter_client FOREIGN KEY(firm_id, client_id) REFERENCES client (firm_id, id),
        CONSTRAINT ck_matter_aliases_json CHECK (json_valid(aliases)),
        CONSTRAINT fk_matter_firm FOREIGN KEY(firm_id) REFERENCES firm (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS activity (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        source VARCHAR(32) NOT NULL,
        source_id VARCHAR(191) NOT NULL,
        kind VARCHAR(16) NOT NULL,
        app VARCHAR(255),
        started_at DATETIME(6) NOT NULL,
        ended_at DATETIME(6),
        zone VARCHAR(64) NOT NULL,
        words LONGTEXT NOT NULL,
        matter_id BIGINT,
        billable BOOL,
        excluded BOOL NOT NULL DEFAULT '0',
        said INTEGER UNSIGNED NOT NULL DEFAULT '0',
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT uq_activity_source UNIQUE (firm_id, timekeeper_id, source, source_id),
        CONSTRAINT fk_activity_matter FOREIGN KEY(firm_id, matter_id) REFERENCES matter (firm_id, id),
        CONSTRAINT ck_activity_words_json CHECK (json_valid(words)),
        CONSTRAINT ck_activity_words_size CHECK (octet_length(words) <= 65536),
        CONSTRAINT fk_activity_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id),
        INDEX ix_activity_firm_id_timekeeper_id_id (firm_id, timekeeper_id, id),
        INDEX ix_activity_firm_id_timekeeper_id_started_at (firm_id, timekeeper_id, started_at)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS feedback (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        verb VARCHAR(16) NOT NULL,
        left_ids LONGTEXT NOT NULL,
        right_ids LONGTEXT,
        said INTEGER UNSIGNED NOT NULL DEFAULT '0',
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT ck_feedback_left_ids_json CHECK (json_valid(left_ids)),
        CONSTRAINT ck_feedback_right_ids_json CHECK (json_valid(right_ids)),
        CONSTRAINT fk_feedback_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS `release` (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        activity_ids LONGTEXT NOT NULL,
        seen LONGTEXT,
        said INTEGER UNSIGNED NOT NULL DEFAULT '0',
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT ck_release_activity_ids_json CHECK (json_valid(activity_ids)),
        CONSTRAINT ck_release_seen_json CHECK (json_valid(seen)),
        CONSTRAINT fk_release_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS activation (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        model_version VARCHAR(128) NOT NULL,
        said INTEGER UNSIGNED NOT NULL DEFAULT '0',
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT fk_activation_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS mark (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        kind VARCHAR(16) NOT NULL,
        token VARCHAR(64) NOT NULL,
        period_id BIGINT,
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT uq_mark_token UNIQUE (token),
        CONSTRAINT fk_mark_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS cadence (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        rrule VARCHAR(255) NOT NULL,
        dtstart DATETIME NOT NULL,
        zone VARCHAR(64) NOT NULL,
        cutoff_minutes INTEGER NOT NULL,
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT fk_cadence_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
)


def upgrade() -> None:
    """Makes the tables; again after a crash in the middle, since DDL can't be rolled back."""
    for table in TABLES:
        op.execute(f"{table} ENGINE=InnoDB CHARSET=utf8mb4 COLLATE utf8mb4_bin")
