"""The database is the API: its tables are what the models say, its users may do their part and nothing else."""

import signal
from contextlib import ExitStack

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import IntegrityError

from connectors.mariadb.server.engine import connect, database_url
from connectors.mariadb.server.migrate import METADATA, head_revision, migrate
from connectors.mariadb.server.users import Passwords
from connectors.mariadb.source import directory
from connectors.mariadb.tables.column_types import to_datetime, to_micros
from schemas.errors import StackError
from schemas.keys import Scope
from schemas.row_decoders import MAX_INSTANT_US
from schemas.values import WORDS_MAX_BYTES
from tests.contracts.conftest import Database, session

pytestmark = pytest.mark.stack

ACTIVITY = (
    "INSERT INTO activity (firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words)"
    " VALUES (:firm, :timekeeper, 'test', :source_id, 'mail', '2026-03-02 09:00:00', 'UTC', :words)"
)


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with session(database.admin) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == head_revision()


def test_the_comparison_sees_a_difference(database: Database) -> None:
    with session(database.admin) as connection:
        connection.execute(text("ALTER TABLE llm_call MODIFY state VARCHAR(15) NOT NULL, DROP COLUMN error"))
        try:
            context = MigrationContext.configure(connection)
            assert len(compare_metadata(context, METADATA)) == 2
        finally:
            connection.execute(
                text(
                    "ALTER TABLE llm_call MODIFY state VARCHAR(16) NOT NULL, ADD error LONGTEXT AFTER cost_microdollars"
                )
            )


def test_every_table_compares_text_by_its_bytes(database: Database) -> None:
    with session(database.admin) as connection:
        query = text("SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema = database()")
        assert connection.execute(query).scalars().all() == ["utf8mb4_bin"]


def test_nothing_cascades(database: Database) -> None:
    query = text(
        "SELECT DISTINCT delete_rule, update_rule FROM information_schema.referential_constraints"
        " WHERE constraint_schema = database()"
    )
    with session(database.admin) as connection:
        assert connection.execute(query).all() == [("RESTRICT", "RESTRICT")]


def test_migrating_again_changes_nothing(database: Database) -> None:
    def shown(connection: Connection) -> list[str]:
        tables = connection.execute(text("SHOW TABLES")).scalars().all()
        return [connection.execute(text(f"SHOW CREATE TABLE `{table}`")).one()[1] for table in tables]

    with session(database.admin) as connection:
        before = shown(connection)
        assert migrate(database.admin, database.passwords, str(database.admin.database)) == head_revision()
        assert shown(connection) == before


def test_migrating_sets_a_new_password(database: Database) -> None:
    other = Passwords("other", database.passwords.capture, database.passwords.pipeline)
    try:
        migrate(database.admin, other, str(database.admin.database))
        with pytest.raises(StackError, match="refuses this user"):
            connect(database.collector).connect()
        with session(database.collector.set(password="other")) as connection:
            assert connection.scalar(text("SELECT 1")) == 1
    finally:
        migrate(database.admin, database.passwords, str(database.admin.database))


MAY_NOT = {
    "collector": [
        "SELECT * FROM entry",
        "SELECT * FROM activity_group",
        "INSERT INTO mark (firm_id, timekeeper_id, kind, token) VALUES (1, 1, 'close', 'x')",
        "UPDATE consumer_offset SET next_offset = 0",
        "DELETE FROM firm",
        "DELETE FROM timekeeper",
        "INSERT INTO debezium_signal (id, type) VALUES ('x', 'execute-snapshot')",
        "CREATE TABLE mine (id INT)",
        "FLUSH BINARY LOGS",
    ],
    "capture": [
        "SELECT * FROM entry",
        "SELECT * FROM narrative",
        "SELECT * FROM timekeeper",
        "INSERT INTO activity (id) VALUES (1)",
        "UPDATE activity SET excluded = 1",
        "DELETE FROM activity",
        "DROP TABLE debezium_signal",
        "PURGE BINARY LOGS BEFORE NOW()",
        "CREATE USER another",
    ],
    "pipeline": [
        "INSERT INTO activity (id) VALUES (1)",
        "UPDATE activity SET excluded = 1",
        "UPDATE activity SET said = said + 1",
        "DELETE FROM activity",
        "DELETE FROM feedback",
        "UPDATE `release` SET seen = NULL",
        "INSERT INTO activation (id) VALUES (1)",
        "UPDATE mark SET token = 'x'",
        "DELETE FROM mark",
        "UPDATE matter SET billable = 0",
        "UPDATE alembic_version SET version_num = '0'",
        "DROP TABLE entry",
        "FLUSH TABLES WITH READ LOCK",
    ],
}


@pytest.mark.parametrize(
    ("user", "statement"), [(user, statement) for user, statements in MAY_NOT.items() for statement in statements]
)
def test_a_user_may_not(database: Database, user: str, statement: str) -> None:
    url: URL = getattr(database, user)
    with session(url) as connection, pytest.raises(StackError, match="refuses this user"):
        connection.execute(text(statement))


MAY = {
    "collector": [
        "DELETE FROM activity WHERE id = 0",
        "SELECT * FROM matter",
        "UPDATE cadence SET rrule = '' WHERE id = 0",
    ],
    "capture": [
        "SELECT * FROM `release` LIMIT 1",
        "INSERT INTO debezium_heartbeat (id, ts) VALUES (1, NOW(6)) ON DUPLICATE KEY UPDATE ts = NOW(6)",
        "SHOW MASTER STATUS",
        "FLUSH TABLES WITH READ LOCK",
        "UNLOCK TABLES",
    ],
    "pipeline": [
        "SELECT * FROM activity LIMIT 1",
        "SELECT version_num FROM alembic_version",
        "INSERT INTO consumer_offset (consumer, topic, partition_no, next_offset) VALUES ('bill', 'groups', 0, 7)",
        "UPDATE consumer_offset SET next_offset = 8",
        "DELETE FROM consumer_offset",
        "DELETE FROM entry_activity",
    ],
}


@pytest.mark.parametrize("user", MAY)
def test_a_user_may(database: Database, user: str) -> None:
    url: URL = getattr(database, user)
    with session(url) as connection:
        for statement in MAY[user]:
            connection.execute(text(statement))


def test_a_row_of_another_firm_is_refused(database: Database) -> None:
    with session(database.collector) as connection:
        ours = directory.ensure_timekeeper(connection, "a", "one firm")
        theirs = directory.ensure_timekeeper(connection, "b", "another firm")
        crossed = {"firm": ours.firm, "timekeeper": theirs.timekeeper, "source_id": "x", "words": "{}"}
        with pytest.raises(IntegrityError, match="fk_activity_timekeeper"):
            connection.execute(text(ACTIVITY), crossed)


def test_a_matter_of_another_firm_is_refused(database: Database) -> None:
    with session(database.collector) as connection:
        scope = directory.ensure_timekeeper(connection, "a", "one firm")
        elsewhere = directory.ensure_firm(connection, "another firm")
        matter = directory.ensure_matter(
            connection, elsewhere, directory.ensure_client(connection, elsewhere, "client"), "1", name="matter"
        )
        connection.execute(text(ACTIVITY), _values(scope, "{}"))
        with pytest.raises(IntegrityError, match="fk_activity_matter"):
            connection.execute(text("UPDATE activity SET matter_id = :matter"), {"matter": matter})


def test_words_have_a_largest_size_in_bytes(database: Database) -> None:
    # {"title":"..."} is 12 bytes around the title; "é" is two bytes, so half as many letters fit.
    fits = (WORDS_MAX_BYTES - 12) // 2
    with session(database.collector) as connection:
        scope = directory.ensure_timekeeper(connection, "a", "one firm")
        connection.execute(text(ACTIVITY), _values(scope, '{"title":"' + "é" * fits + '"}'))
        with pytest.raises(IntegrityError, match="ck_activity_words_size"):
            connection.execute(text(ACTIVITY), _values(scope, '{"title":"' + "é" * (fits + 1) + '"}'))


def test_words_are_json(database: Database) -> None:
    with session(database.collector) as connection:
        scope = directory.ensure_timekeeper(connection, "a", "one firm")
        with pytest.raises(IntegrityError, match="ck_activity_words_json"):
            connection.execute(text(ACTIVITY), _values(scope, "{"))


def test_the_unassigned_slice_of_a_day_is_there_once(database: Database) -> None:
    insert = text(
        "INSERT INTO entry (firm_id, timekeeper_id, group_id, billing_day, billable, allocated_us, imputed_us, content,"
        " narrative) VALUES (:firm, :timekeeper, 1, '2026-03-02', 1, 0, 0, '', '')"
    )
    with session(database.admin) as connection:
        scope = directory.ensure_timekeeper(connection, "a", "one firm")
        connection.execute(insert, {"firm": scope.firm, "timekeeper": scope.timekeeper})
        with pytest.raises(IntegrityError, match="uq_entry_slice"):
            connection.execute(insert, {"firm": scope.firm, "timekeeper": scope.timekeeper})


def test_a_session_computes_in_utc_and_refuses_what_does_not_fit(database: Database) -> None:
    with session(database.collector) as connection:
        assert connection.scalar(text("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())")) == 0
        assert connection.scalar(text("SELECT @@session.time_zone")) == "+00:00"
        scope = directory.ensure_timekeeper(connection, "a", "one firm")
        with pytest.raises(Exception, match="Data too long"):
            connection.execute(text(ACTIVITY), _values(scope, "{}") | {"source_id": "x" * 192})


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    nowhere = database_url("127.0.0.1", 1, "pipeline", "secret")
    with pytest.raises(StackError, match=r"does not answer at .*127\.0\.0\.1:1/timeloom") as raised:
        connect(nowhere).connect()
    assert "secret" not in str(raised.value)


def test_a_database_that_is_not_there_is_told(database: Database) -> None:
    with pytest.raises(StackError, match="migrates them"):
        connect(database.admin.set(database="no_such_database")).connect()


def test_an_error_does_not_print_words(database: Database) -> None:
    with session(database.collector) as connection:
        scope = directory.ensure_timekeeper(connection, "a", "one firm")
        with pytest.raises(IntegrityError) as raised:
            connection.execute(text(ACTIVITY), _values(scope, "a secret that is no JSON"))
        assert "secret" not in str(raised.value)


@given(st.integers(min_value=0, max_value=MAX_INSTANT_US))
def test_an_instant_survives_the_table_exactly(instant: int) -> None:
    assert to_micros(to_datetime(instant)) == instant


def _values(scope: Scope, words: str) -> dict[str, object]:
    return {"firm": scope.firm, "timekeeper": scope.timekeeper, "source_id": str(len(words)), "words": words}


def test_an_exit_in_the_middle_of_a_statement_is_not_told_as_a_server_that_is_away(database: Database) -> None:
    def told(*_: object) -> None:
        raise SystemExit(7)

    before = signal.signal(signal.SIGALRM, told)
    try:
        with session(database.pipeline) as connection:

            def asleep() -> None:
                signal.setitimer(signal.ITIMER_REAL, 0.3)
                connection.execute(text("SELECT SLEEP(5)"))

            with pytest.raises(SystemExit):
                asleep()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_who_does_nothing_in_the_middle_of_writing_is_rolled_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen process would hold its locks for hours, and whoever takes its work over would wait."""
    move = text("UPDATE consumer_offset SET next_offset = next_offset + 1 WHERE consumer = 'idle'")
    with ExitStack() as sessions:
        heir = sessions.enter_context(session(database.pipeline))  # with the patience that is shipped
        monkeypatch.setattr("connectors.mariadb.server.engine.IDLE_TRANSACTION_TIMEOUT_S", 1)
        frozen = sessions.enter_context(session(database.pipeline))
        place = (
            "INSERT INTO consumer_offset (consumer, topic, partition_no, next_offset) VALUES ('idle', 'groups', 0, 5)"
        )
        heir.execute(text(place))
        heir.commit()
        frozen.execute(move)
        heir.execute(text("SET SESSION innodb_lock_wait_timeout = 10"))
        heir.execute(move)
        heir.commit()
        with pytest.raises(StackError, match="does not answer"):
            frozen.execute(move)
        assert heir.scalar(text("SELECT next_offset FROM consumer_offset WHERE consumer = 'idle'")) == 6
