"""What bill and the connector keep."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS consumer_offset (
        consumer VARCHAR(64) NOT NULL,
        topic VARCHAR(249) NOT NULL,
        partition_no INTEGER NOT NULL,
        next_offset BIGINT NOT NULL,
        PRIMARY KEY (consumer, topic, partition_no)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS debezium_heartbeat (
        id INTEGER NOT NULL,
        ts DATETIME(6) NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS debezium_signal (
        id VARCHAR(42) NOT NULL,
        type VARCHAR(32) NOT NULL,
        data LONGTEXT,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS activity_group (
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        group_id BIGINT NOT NULL,
        value LONGTEXT NOT NULL,
        disposition VARCHAR(16) NOT NULL,
        confidence BIGINT NOT NULL,
        changes_partition INTEGER NOT NULL,
        changes_offset BIGINT NOT NULL,
        updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
        PRIMARY KEY (firm_id, timekeeper_id, group_id),
        CONSTRAINT fk_activity_group_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS day_minutes (
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        billing_day DATE NOT NULL,
        captured_us BIGINT NOT NULL,
        billable_us BIGINT NOT NULL,
        non_billable_us BIGINT NOT NULL,
        held_us BIGINT NOT NULL,
        outlier_us BIGINT NOT NULL,
        excluded_us BIGINT NOT NULL,
        PRIMARY KEY (firm_id, timekeeper_id, billing_day),
        CONSTRAINT fk_day_minutes_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS group_member (
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        group_id BIGINT NOT NULL,
        activity_id BIGINT NOT NULL,
        hash CHAR(32) NOT NULL,
        PRIMARY KEY (firm_id, timekeeper_id, group_id, activity_id),
        CONSTRAINT fk_group_member_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id),
        INDEX ix_group_member_firm_id_timekeeper_id_activity_id (firm_id, timekeeper_id, activity_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS llm_call (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        destination VARCHAR(255) NOT NULL,
        model VARCHAR(128) NOT NULL,
        prompt_version VARCHAR(64) NOT NULL,
        attempt INTEGER NOT NULL,
        state VARCHAR(16) NOT NULL,
        status_code INTEGER,
        input_tokens BIGINT,
        output_tokens BIGINT,
        cost_microdollars BIGINT NOT NULL DEFAULT '0',
        error LONGTEXT,
        started_at DATETIME(6) NOT NULL,
        ended_at DATETIME(6),
        PRIMARY KEY (id),
        CONSTRAINT fk_llm_call_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS mark_seen (
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        mark_id BIGINT NOT NULL,
        kind VARCHAR(16) NOT NULL,
        partition_no INTEGER NOT NULL,
        next_offset BIGINT NOT NULL,
        seen_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (mark_id),
        CONSTRAINT fk_mark_seen_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS narrative (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        content CHAR(32) NOT NULL,
        prompt_version VARCHAR(64) NOT NULL,
        guidelines VARCHAR(64) NOT NULL,
        model VARCHAR(128) NOT NULL,
        state VARCHAR(16) NOT NULL DEFAULT 'reserved',
        text LONGTEXT,
        citations LONGTEXT,
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        written_at DATETIME(6),
        PRIMARY KEY (id),
        CONSTRAINT uq_paid_once UNIQUE (firm_id, timekeeper_id, content, prompt_version, guidelines, model),
        CONSTRAINT ck_narrative_state CHECK (state in ('reserved', 'written', 'rejected')),
        CONSTRAINT ck_narrative_citations_json CHECK (json_valid(citations)),
        CONSTRAINT fk_narrative_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS narrative_call (
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        narrative_id BIGINT NOT NULL,
        llm_call_id BIGINT NOT NULL,
        PRIMARY KEY (narrative_id, llm_call_id),
        CONSTRAINT fk_narrative_call_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id),
        CONSTRAINT fk_narrative_call_narrative FOREIGN KEY(narrative_id) REFERENCES narrative (id),
        CONSTRAINT fk_narrative_call_llm_call FOREIGN KEY(llm_call_id) REFERENCES llm_call (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS `period` (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        cadence_id BIGINT NOT NULL,
        starts_on DATE NOT NULL,
        ends_on DATE NOT NULL,
        due_at DATETIME(6) NOT NULL,
        mark_id BIGINT,
        closed_at DATETIME(6),
        PRIMARY KEY (id),
        CONSTRAINT uq_period_cadence_id_starts_on UNIQUE (cadence_id, starts_on),
        CONSTRAINT fk_period_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id),
        CONSTRAINT fk_period_cadence FOREIGN KEY(cadence_id) REFERENCES cadence (id),
        CONSTRAINT fk_period_mark FOREIGN KEY(mark_id) REFERENCES mark (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS entry (
        id BIGINT NOT NULL AUTO_INCREMENT,
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        group_id BIGINT NOT NULL,
        billing_day DATE NOT NULL,
        matter_id BIGINT,
        matter_key BIGINT GENERATED ALWAYS AS (coalesce(matter_id, 0)) STORED,
        period_id BIGINT,
        status VARCHAR(16) NOT NULL DEFAULT 'proposed',
        billable BOOL NOT NULL,
        allocated_us BIGINT NOT NULL,
        imputed_us BIGINT NOT NULL,
        content CHAR(32) NOT NULL,
        narrative LONGTEXT NOT NULL,
        narrative_id BIGINT,
        created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
        PRIMARY KEY (id),
        CONSTRAINT uq_entry_slice UNIQUE (firm_id, timekeeper_id, group_id, billing_day, matter_key),
        CONSTRAINT fk_entry_matter FOREIGN KEY(firm_id, matter_id) REFERENCES matter (firm_id, id),
        CONSTRAINT ck_entry_status CHECK (status in ('proposed', 'accepted', 'released', 'locked')),
        CONSTRAINT fk_entry_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id),
        CONSTRAINT fk_entry_period FOREIGN KEY(period_id) REFERENCES `period` (id),
        CONSTRAINT fk_entry_narrative FOREIGN KEY(narrative_id) REFERENCES narrative (id),
        INDEX ix_entry_firm_id_timekeeper_id_billing_day (firm_id, timekeeper_id, billing_day)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS entry_activity (
        firm_id BIGINT NOT NULL,
        timekeeper_id BIGINT NOT NULL,
        entry_id BIGINT NOT NULL,
        activity_id BIGINT NOT NULL,
        allocated_us BIGINT NOT NULL,
        imputed BOOL NOT NULL,
        PRIMARY KEY (entry_id, activity_id),
        CONSTRAINT fk_entry_activity_timekeeper FOREIGN KEY(firm_id, timekeeper_id) REFERENCES timekeeper (firm_id, id),
        CONSTRAINT fk_entry_activity_entry FOREIGN KEY(entry_id) REFERENCES entry (id),
        INDEX ix_entry_activity_firm_id_timekeeper_id_activity_id (firm_id, timekeeper_id, activity_id)
    )
    """,
)


def upgrade() -> None:
    """Makes the tables; again after a crash in the middle, since DDL can't be rolled back."""
    for table in TABLES:
        op.execute(f"{table} ENGINE=InnoDB CHARSET=utf8mb4 COLLATE utf8mb4_bin")
