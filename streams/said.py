"""What the topics say now, folded: groups, the marks that were passed on, dead letters, decisions that are heeded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from connectors.kafka.cluster import Cluster
from connectors.kafka.log import read_to_end
from schemas.books import Decision, RowName
from schemas.changes import change_of_kept, decode_change, decode_kept
from schemas.dead_letters import DeadLettered, decode_dead_letter
from schemas.groups import GroupSaid, MarkSaid, decode_said
from schemas.keys import GroupKey, OriginKey, RowKey, Scope, decode_key, decode_said_key
from schemas.outcomes import Ok
from schemas.records import Incoming
from schemas.rows import ROWS
from schemas.topics import DEAD_LETTERS, GROUPS, PARTITIONS, WORKING_SET
from schemas.values import Activity, content_hash


class Said(msgspec.Struct):
    """`groups`, folded. `partitions` tells in which partition a timekeeper's records are, `marks` which came by."""

    groups: dict[Scope, dict[int, GroupSaid]] = msgspec.field(default_factory=lambda: defaultdict(dict))
    partitions: dict[Scope, int] = msgspec.field(default_factory=dict)
    marks: set[int] = msgspec.field(default_factory=set)

    def take(self, record: Incoming) -> None:
        """Takes in one record; one that no worker of ours wrote says nothing (`bill` dead-letters it)."""
        try:
            key = decode_said_key(record.key or b"")
            said = None if record.value is None else decode_said(record.value)
        except (msgspec.DecodeError, UnicodeError):
            return
        scope = Scope(key.firm, key.timekeeper)
        self.partitions[scope] = record.partition
        if isinstance(said, MarkSaid):
            self.marks.add(said.mark.id)
        elif isinstance(key, GroupKey) and isinstance(said, GroupSaid):
            self.groups[scope][key.group] = said
        elif isinstance(key, GroupKey):
            self.groups[scope].pop(key.group, None)


def read_said(
    cluster: Cluster, before: Mapping[int, int] | None = None, partitions: Iterable[int] = range(PARTITIONS)
) -> Said:
    """What `groups` says; with `before`, what it had said before these offsets (nothing of partitions without one)."""
    said = Said()
    for record in read_to_end(cluster, GROUPS.name, list(partitions)):
        if before is None or record.offset < before.get(record.partition, 0):
            said.take(record)
    return said


class Letters(msgspec.Struct, frozen=True):
    """Dead letters: how many there are, and for each row that has some the contents that were given up."""

    count: int
    rows: Mapping[Scope, Mapping[RowName, frozenset[str]]]


def read_letters(cluster: Cluster) -> Letters:
    """Every dead letter that wasn't taken back."""
    letters: dict[bytes, DeadLettered] = {}
    for record in read_to_end(cluster, DEAD_LETTERS.name, list(range(DEAD_LETTERS.partitions))):
        if record.key is not None and record.value is not None:
            letters[record.key] = decode_dead_letter(record.value)
        elif record.key is not None:
            letters.pop(record.key, None)
    contents: dict[Scope, dict[RowName, frozenset[str]]] = defaultdict(dict)
    for origin, letter in letters.items():
        if letter.firm and letter.timekeeper and letter.table and letter.row:
            rows, name = contents[Scope(letter.firm, letter.timekeeper)], (letter.table, letter.row)
            rows[name] = rows.get(name, frozenset()) | {_content(origin, letter)}
    return Letters(len(letters), contents)


def _content(origin: bytes, letter: DeadLettered) -> str:
    """The hash of the activity that the letter holds; empty where it can't be read, which is why it is a letter."""
    at = decode_key(origin, OriginKey)
    outcome = decode_change(letter.value, at.partition, at.offset)
    if isinstance(outcome, Ok) and isinstance(outcome.value.value, Activity):
        return content_hash(outcome.value.value)
    return ""


def read_heeded(
    cluster: Cluster, partitions: Iterable[int] = range(PARTITIONS)
) -> dict[Scope, dict[RowName, Decision]]:
    """The feedback, releases and activations that the workers go by: what `working-set` keeps of them."""
    heeded: dict[Scope, dict[RowName, Decision]] = defaultdict(dict)
    for record in read_to_end(cluster, WORKING_SET.name, list(partitions)):
        # Nearly all of it is activities: those are told by their keys, and never decoded.
        if record.key is None or b'"activity"' in record.key:
            continue
        key = decode_key(record.key, RowKey)
        rows, name = heeded[Scope(key.firm, key.timekeeper)], (key.table, key.id)
        rows.pop(name, None)
        if record.value is not None and key.table in ROWS:
            outcome = change_of_kept(key, decode_kept(record.value), record.partition)
            if isinstance(outcome, Ok) and isinstance(outcome.value.value, Decision):
                rows[name] = outcome.value.value
    return heeded
