"""What the topics say now, folded: each timekeeper's groups, the marks that were passed on, and the dead letters."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from connectors.kafka.log import read_to_end
from schemas.changes import decode_change
from schemas.dead_letters import DeadLettered, decode_dead_letter
from schemas.groups import GroupSaid, MarkSaid, decode_said
from schemas.keys import GroupKey, OriginKey, Scope, decode_key, decode_said_key
from schemas.outcomes import Ok
from schemas.records import Incoming
from schemas.topics import DEAD_LETTERS, GROUPS, PARTITIONS
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
    bootstrap: str, before: Mapping[int, int] | None = None, partitions: Iterable[int] = range(PARTITIONS)
) -> Said:
    """What `groups` says; with `before`, what it had said before these offsets (nothing of partitions without one)."""
    said = Said()
    for record in read_to_end(bootstrap, GROUPS.name, list(partitions)):
        if before is None or record.offset < before.get(record.partition, 0):
            said.take(record)
    return said


class Letters(msgspec.Struct, frozen=True):
    """Dead letters: how many there are, and for each activity that has some the contents that were given up."""

    count: int
    activities: Mapping[Scope, Mapping[int, frozenset[str]]]


def read_letters(bootstrap: str) -> Letters:
    """Every dead letter that wasn't taken back."""
    letters: dict[bytes, DeadLettered] = {}
    for record in read_to_end(bootstrap, DEAD_LETTERS.name, list(range(DEAD_LETTERS.partitions))):
        if record.key is not None and record.value is not None:
            letters[record.key] = decode_dead_letter(record.value)
        elif record.key is not None:
            letters.pop(record.key, None)
    contents: dict[Scope, dict[int, frozenset[str]]] = defaultdict(dict)
    for origin, letter in letters.items():
        if letter.table == "activity" and None not in (letter.firm, letter.timekeeper, letter.row):
            of = contents[Scope(letter.firm or 0, letter.timekeeper or 0)]
            of[letter.row or 0] = of.get(letter.row or 0, frozenset()) | {_content(origin, letter)}
    return Letters(len(letters), contents)


def _content(origin: bytes, letter: DeadLettered) -> str:
    """The hash of the activity that the letter holds; empty where it can't be read, which is why it is a letter."""
    at = decode_key(origin, OriginKey)
    outcome = decode_change(letter.value, at.partition, at.offset)
    if isinstance(outcome, Ok) and isinstance(outcome.value.value, Activity):
        return content_hash(outcome.value.value)
    return ""
