"""`watch`: shows groups as they form, read from the topic `groups`, with titles from MariaDB.

    groups (committed records, no consumer group) ──▶ the last value of each group ──▶ a live table, or one line each

It writes nothing and joins no consumer group.
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
    from schemas.topics import ConsumerRecord

BACKLOG_RECORDS = 3
"""Records of each partition that are shown at once, so that there is something to see where nothing moves."""

POLL_WAIT_S = 0.2
MAX_TABLE_ROWS = 25
MAX_TITLED_MEMBERS = 8
"""Members of a group whose words are looked up: the newest ones."""


class FormedGroup(msgspec.Struct, frozen=True):
    """The last published value of a group. `disposition` is "gone" after a tombstone; the duration is in minutes."""

    firm: str
    timekeeper: str
    group: int
    disposition: str
    activities: int
    minutes: float
    confidence: float
    words: tuple[str, ...]
    offset: int


class ShowGroups(Protocol):
    """Shows formed groups: in a live table or as lines."""

    def __call__(self, formed: Iterable[FormedGroup], /) -> None:
        """Shows these groups in their order."""


def watch(
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after this many seconds.")] = None,
    timekeeper: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Show only this timekeeper's groups.", show_default="all")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line for each group instead of the table.")
    ] = False,
) -> None:
    """Show groups as they form, until Ctrl-C. It only reads.

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
    with suppress(KeyboardInterrupt), _json_lines() if as_json else _live_table() as show:
        lookup = GroupLookup(engine)
        for records in follow(settings.kafka(), GROUPS.name, GROUPS.partitions, BACKLOG_RECORDS, POLL_WAIT_S):
            show(one for one in lookup.groups_in(records) if timekeeper in (None, one.timekeeper))
            if until is not None and time.monotonic() >= until:
                return


class GroupLookup:
    """Converts records of `groups` to what is shown: for each group only the last record of a batch."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._people: dict[Scope, TimekeeperProfile] = {}

    def groups_in(self, records: Iterable["ConsumerRecord"]) -> Iterator[FormedGroup]:
        """The groups in these records, without marks."""
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
            yield self._formed_group(key, offset, group)

    def _formed_group(self, key: GroupKey, offset: int, group: Group | None) -> FormedGroup:
        scope = Scope(key.firm, key.timekeeper)
        firm, email = self._firm_and_email(scope)
        if group is None:
            return FormedGroup(firm, email, key.group, "gone", 0, 0.0, 0.0, (), offset)
        return FormedGroup(
            firm=firm,
            timekeeper=email,
            group=key.group,
            disposition=group.disposition.value,
            activities=len(group.members),
            minutes=round(group.captured_us / 60_000_000, 1),
            confidence=group.confidence / SCORE_SCALE,
            words=self._member_titles(scope, group),
            offset=offset,
        )

    def _firm_and_email(self, scope: Scope) -> tuple[str, str]:
        from connectors.mariadb.source.directory import list_timekeepers

        if scope not in self._people:
            with self._engine.begin() as connection:
                self._people = {person.scope: person for person in list_timekeepers(connection)}
        person = self._people.get(scope)
        return (person.firm, person.email) if person else (str(scope.firm), str(scope.timekeeper))

    def _member_titles(self, scope: Scope, group: Group) -> tuple[str, ...]:
        """The titles of the newest members, each once. If a row has changed since, its current title."""
        from connectors.mariadb.source.captured_rows import read_rows
        from schemas.values import Activity

        newest = [member.id for member in group.members[-MAX_TITLED_MEMBERS:]]
        with self._engine.begin() as connection:
            values = [value for _, value in read_rows(connection, scope, "activity", newest)]
        said = [one.words.title or one.words.text or one.app for one in values if isinstance(one, Activity)]
        return tuple(dict.fromkeys(text.strip()[:80] for text in reversed(said) if text.strip()))


@contextmanager
def _json_lines() -> Iterator[ShowGroups]:
    def show(formed: Iterable[FormedGroup], /) -> None:
        for one in formed:
            typer.echo(msgspec.json.encode(one).decode())

    yield show


@contextmanager
def _live_table() -> Iterator[ShowGroups]:
    """A table of the last groups, newest first, redrawn as they arrive."""
    from rich.live import Live

    rows: dict[tuple[str, str, int], tuple[str, FormedGroup]] = {}
    with Live(_build_table({}), refresh_per_second=8) as live:

        def show(formed: Iterable[FormedGroup], /) -> None:
            now = datetime.now().astimezone().strftime("%H:%M:%S")
            came = {(one.firm, one.timekeeper, one.group): (now, one) for one in formed}
            for key in came:
                rows.pop(key, None)
            rows.update(came)
            for key in list(rows)[:-MAX_TABLE_ROWS]:
                del rows[key]
            if came:
                live.update(_build_table(rows))

        yield show


def _build_table(rows: dict[tuple[str, str, int], tuple[str, FormedGroup]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    caption = "Ctrl-C stops watching; nothing else stops." if rows else "Waiting for the first group ..."
    table = Table("At", "Timekeeper", "Group", "State", "Activities", "Minutes", "Sure", "What", caption=caption)
    for at, one in reversed(rows.values()):
        numbers = (str(one.activities), f"{one.minutes:g}", f"{one.confidence:.0%}") if one.activities else ("", "", "")
        words = escape("; ".join(one.words)[:120])
        table.add_row(at, escape(one.timekeeper), str(one.group), one.disposition, *numbers, words)
    return table
