"""`watch`: shows groups as they form, read from the topic `groups`, with their words looked up in MariaDB.

    groups (committed records, no consumer group) ──▶ the last word on each group ──▶ a live table, or one line each

It writes nothing and disturbs nobody; what it shows is what every other reader of the topic sees.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
import typer

from schemas.groups import SCORE_SCALE, Group, PublishedGroup, decode_published
from schemas.keys import GroupKey, Scope, decode_groups_key
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import GROUPS

if TYPE_CHECKING:
    from rich.table import Table
    from sqlalchemy import Engine

    from connectors.mariadb.source.directory import TimekeeperProfile
    from schemas.records import ConsumerRecord

BACK = 3
"""Records of each partition that are shown at once, so that there is something to see where nothing moves."""

WAIT_S = 0.2
SHOWN = 25
WORDS_OF = 8
"""Members of a group whose words are looked up: the newest ones."""


class Formed(msgspec.Struct, frozen=True):
    """One group as it was said last; `disposition` is "gone" where it was taken back. The measure is in minutes."""

    firm: str
    timekeeper: str
    group: int
    disposition: str
    activities: int
    minutes: float
    confidence: float
    words: tuple[str, ...]
    offset: int


class Shows(Protocol):
    """Where formed groups go: a live table or lines."""

    def __call__(self, formed: Iterable[Formed], /) -> None:
        """Shows what came, in its order."""


def watch(
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    timekeeper: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Only this one's.", show_default="all")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line a group instead of the table.")] = False,
) -> None:
    """Show groups forming live, until Ctrl-C. It only reads.

    Example: ./timeloom watch --for 30

    Exit: 0 stopped; 3 Kafka or the database isn't up.
    """
    from connectors.kafka.client.connectivity import ASKED_BY_A_PERSON_S, knock
    from connectors.kafka.records.topic_tail import follow
    from connectors.mariadb.server.engine import connect
    from streams.settings import load

    settings = load()
    knock(settings.kafka(), ASKED_BY_A_PERSON_S)
    engine = connect(settings.mariadb().url("pipeline"), pool_size=1)
    until = None if for_s is None else time.monotonic() + for_s
    with suppress(KeyboardInterrupt), _lines() if as_json else _table() as show:
        lookup = Lookup(engine)
        for records in follow(settings.kafka(), GROUPS.name, GROUPS.partitions, BACK, WAIT_S):
            show(one for one in lookup.formed(records) if timekeeper in (None, one.timekeeper))
            if until is not None and time.monotonic() >= until:
                return


class Lookup:
    """Turns records of `groups` into what is shown; the last word on each group of a batch only."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._people: dict[Scope, TimekeeperProfile] = {}

    def formed(self, records: Iterable["ConsumerRecord"]) -> Iterator[Formed]:
        """The groups in these records. Marks say nothing to a person and are passed over."""
        last: dict[GroupKey, tuple[int, Group | None]] = {}
        for record in records:
            try:
                key = decode_groups_key(record.key or b"")
                said = decode_published(record.value) if record.value else None
            except JSON_ERRORS:
                continue  # no worker of ours wrote it: `bill` dead-letters it
            if isinstance(key, GroupKey) and (said is None or isinstance(said, PublishedGroup)):
                last.pop(key, None)
                last[key] = (record.offset, said.group if said else None)
        for key, (offset, group) in last.items():
            yield self._one(key, offset, group)

    def _one(self, key: GroupKey, offset: int, group: Group | None) -> Formed:
        scope = Scope(key.firm, key.timekeeper)
        firm, email = self._name(scope)
        if group is None:
            return Formed(firm, email, key.group, "gone", 0, 0.0, 0.0, (), offset)
        return Formed(
            firm=firm,
            timekeeper=email,
            group=key.group,
            disposition=group.disposition.value,
            activities=len(group.members),
            minutes=round(group.captured_us / 60_000_000, 1),
            confidence=group.confidence / SCORE_SCALE,
            words=self._words(scope, group),
            offset=offset,
        )

    def _name(self, scope: Scope) -> tuple[str, str]:
        from connectors.mariadb.source.directory import list_timekeepers

        if scope not in self._people:
            with self._engine.begin() as connection:
                self._people = {person.scope: person for person in list_timekeepers(connection)}
        person = self._people.get(scope)
        return (person.firm, person.email) if person else (str(scope.firm), str(scope.timekeeper))

    def _words(self, scope: Scope, group: Group) -> tuple[str, ...]:
        """The titles of the newest members, each once; of a row that changed since, what it says now."""
        from connectors.mariadb.source.captured_rows import read_rows
        from schemas.values import Activity

        newest = [member.id for member in group.members[-WORDS_OF:]]
        with self._engine.begin() as connection:
            values = [value for _, value in read_rows(connection, scope, "activity", newest)]
        said = [one.words.title or one.words.text or one.app for one in values if isinstance(one, Activity)]
        return tuple(dict.fromkeys(text.strip()[:80] for text in reversed(said) if text.strip()))


@contextmanager
def _lines() -> Iterator[Shows]:
    def show(formed: Iterable[Formed], /) -> None:
        for one in formed:
            typer.echo(msgspec.json.encode(one).decode())

    yield show


@contextmanager
def _table() -> Iterator[Shows]:
    """A table of the last groups, newest first, redrawn as they come."""
    from rich.live import Live

    rows: dict[tuple[str, str, int], tuple[str, Formed]] = {}
    with Live(_drawn({}), refresh_per_second=8) as live:

        def show(formed: Iterable[Formed], /) -> None:
            now = datetime.now().astimezone().strftime("%H:%M:%S")
            came = {(one.firm, one.timekeeper, one.group): (now, one) for one in formed}
            for key in came:
                rows.pop(key, None)
            rows.update(came)
            for key in list(rows)[:-SHOWN]:
                del rows[key]
            if came:
                live.update(_drawn(rows))

        yield show


def _drawn(rows: dict[tuple[str, str, int], tuple[str, Formed]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    caption = "Ctrl-C stops watching; nothing else stops." if rows else "Waiting for the first group ..."
    table = Table("At", "Timekeeper", "Group", "State", "Activities", "Minutes", "Sure", "What", caption=caption)
    for at, one in reversed(rows.values()):
        numbers = (str(one.activities), f"{one.minutes:g}", f"{one.confidence:.0%}") if one.activities else ("", "", "")
        words = escape("; ".join(one.words)[:120])
        table.add_row(at, escape(one.timekeeper), str(one.group), one.disposition, *numbers, words)
    return table
