"""What a test asks of the running stack, in the words of the design: rows in, what the topics say out."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
from sqlalchemy import Engine, text

from connectors.kafka.records.open_dead_letters import read_letters
from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.source.captured_rows import read_all_rows
from connectors.stack.stack import Stack
from schemas.dead_letters import DeadLetterRecord
from schemas.groups import PublishedGroup, decode_published, encode_group
from schemas.keys import GroupKey, Scope, decode_groups_key
from schemas.topics import GROUPS, PARTITIONS, ConsumerRecord
from schemas.values import Activity, Apart, Together
from streams.settings import Settings

_names = count(1)
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Live(msgspec.Struct, frozen=True):
    """The running stack. Every test has timekeepers of its own, so tests don't see each other."""

    stack: Stack
    settings: Settings
    collector: Engine
    pipeline: Engine

    def timekeeper(self) -> Scope:
        """A new timekeeper in a new firm."""
        name = f"test {next(_names)}"
        with self.collector.begin() as connection:
            firm = connection.execute(text("INSERT INTO firm (name) VALUES (:n)"), {"n": name}).lastrowid
            timekeeper = connection.execute(
                text("INSERT INTO timekeeper (firm_id, email, name, zone) VALUES (:f, 'x@example.com', :n, 'UTC')"),
                {"f": firm, "n": name},
            ).lastrowid
        return Scope(firm, timekeeper)

    def insert(self, who: Scope, title: str, minute: int = 0, minutes: int | None = 5, **columns: object) -> int:
        """An activity of that many minutes (None: a point in time), `minute` minutes after the morning began."""
        start = MORNING + timedelta(minutes=minute)
        row = {
            "firm_id": who.firm,
            "timekeeper_id": who.timekeeper,
            "source": "test",
            "source_id": str(next(_names)),
            "kind": "document",
            "started_at": start.replace(tzinfo=None),
            "ended_at": None if minutes is None else (start + timedelta(minutes=minutes)).replace(tzinfo=None),
            "zone": "Europe/Berlin",
            "words": json.dumps({"title": title}),
            **columns,
        }
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        with self.collector.begin() as connection:
            return int(connection.execute(text(f"INSERT INTO activity ({names}) VALUES ({values})"), row).lastrowid)

    def update(self, activity: int, **columns: object) -> None:
        """Changes columns of an activity."""
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        with self.collector.begin() as connection:
            connection.execute(text(f"UPDATE activity SET {sets} WHERE id = :id"), {"id": activity, **columns})

    def delete(self, activity: int) -> None:
        """Deletes an activity."""
        with self.collector.begin() as connection:
            connection.execute(text("DELETE FROM activity WHERE id = :id"), {"id": activity})

    def said(self) -> list[ConsumerRecord]:
        """Every committed record of `groups` that the broker still has, but for those whose keys name nothing."""
        return [one for one in read_to_end(self.settings.kafka(), GROUPS.name, list(range(PARTITIONS))) if _named(one)]

    def groups(self, *who: Scope) -> dict[tuple[Scope, int], bytes]:
        """What `groups` says now, by timekeeper and name, as the bytes that law 1 compares."""
        found: dict[tuple[Scope, int], bytes] = {}
        for record in self.said():
            key = decode_groups_key(record.key or b"")
            if not isinstance(key, GroupKey) or (who and Scope(key.firm, key.timekeeper) not in who):
                continue
            name = (Scope(key.firm, key.timekeeper), key.group)
            if record.value is None:
                found.pop(name, None)
                continue
            said = decode_published(record.value)
            assert isinstance(said, PublishedGroup)
            found[name] = encode_group(said.group)
        return found

    def expected(self, *who: Scope) -> dict[tuple[Scope, int], bytes]:
        """The groups of what MariaDB holds now, decided at once: what law 2 says that `groups` must come to."""
        from processors.grouping.batch import group_all
        from streams.shared.model_store import shipped_model

        found = {}
        with self.pipeline.connect() as connection:
            for scope in who:
                activities = [a for _, a in read_all_rows(connection, scope, "activity") if isinstance(a, Activity)]
                feedback = [
                    f for _, f in read_all_rows(connection, scope, "feedback") if isinstance(f, Together | Apart)
                ]
                for name, group in group_all(activities, feedback, model=shipped_model()).items():
                    found[scope, name] = encode_group(group)
        return found

    def dead_letters(self) -> list[DeadLetterRecord]:
        """Every dead letter that stands."""
        return [letter.said for letter in read_letters(self.settings.kafka()).standing.values()]


def _named(record: ConsumerRecord) -> bool:
    """Other tests write garbage to the topic."""
    try:
        decode_groups_key(record.key or b"")
    except msgspec.DecodeError:
        return False
    return True
