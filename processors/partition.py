"""One partition's timekeepers: change events in, records to say out. The whole of a worker's deciding, without any I/O.

    decode -> apply (highest version wins) -> decide (only what was touched) -> say (only what changed)

Feed it what the topics remember (`restore`, `remember`), then batches of changes in offset order (`absorb`). What
`absorb` returns has to be written whole or not at all, before its changes are acknowledged.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from processors.grouping.model import Model
from processors.grouping.working_set import WorkingSet
from schemas.changes import (
    Change,
    Kept,
    Unseal,
    change_of_kept,
    decode_change,
    decode_kept,
    encode_kept,
    plain,
)
from schemas.dead_letters import DeadLettered, encode_dead_letter
from schemas.groups import GroupSaid, Lineage, MarkSaid, decode_said, encode_group, encode_said
from schemas.keys import GroupKey, MarkKey, OriginKey, RowKey, Scope, decode_key, decode_said_key, encode_key
from schemas.outcomes import DeadLetter, Ok, Reason, Skip
from schemas.records import Incoming, Outgoing
from schemas.topics import CHANGES, DEAD_LETTERS, GROUPS, WORKING_SET
from schemas.values import Activation, Mark, MarkKind

ATTEMPT = "attempt"
"""The working set also keeps, under this table's name, how often our own code failed at an offset."""


class Partition:
    """The working sets of one partition and what was said about them. Not shared between threads.

    `number` is the partition's; `models` by version, `default` the version for who has no activation.
    """

    def __init__(self, number: int, models: Mapping[str, Model], default: str, unseal: Unseal = plain) -> None:
        self.number = number
        self._models, self._default, self._unseal = models, default, unseal
        self._sets: dict[Scope, WorkingSet] = {}
        self._said: dict[Scope, dict[int, bytes]] = {}
        self._unresumed: set[Scope] = set()
        self._touched: dict[Scope, Lineage] = {}
        self._latest = 0
        self._kept: dict[RowKey, Kept] = {}
        self._out: list[Outgoing] = []
        self.attempts: dict[int, int] = {}

    def restore(self, record: Incoming) -> None:
        """Takes in one record of `working-set`, as an owner before us left it."""
        if record.key is None or record.value is None:
            return
        key, kept = decode_key(record.key, RowKey), decode_kept(record.value)
        if key.table == ATTEMPT:
            self.attempts[key.id] = kept.version
            return
        self._latest = max(self._latest, kept.version)
        outcome = change_of_kept(key, kept, self.number, self._unseal)
        bad = self._unknown_model(outcome.value) if isinstance(outcome, Ok) else outcome
        if bad is not None:
            # It was good when it was kept: a model or a key has gone since. `resume` writes the letter.
            self._dead(Incoming(self.number, kept.version, record.key, record.value), bad)
        elif isinstance(outcome, Ok):
            self._apply(outcome.value)

    def remember(self, record: Incoming) -> None:
        """Takes in one record of `groups`: the only memory of what was said.

        What no worker of ours wrote is passed over where its key names no group (`bill` dead-letters it), and is said
        anew, or taken back, where it does.
        """
        try:
            key = decode_said_key(record.key or b"")
        except msgspec.DecodeError:
            return
        if isinstance(key, MarkKey):
            return
        said = self._said.setdefault(Scope(key.firm, key.timekeeper), {})
        if record.value is None:
            said.pop(key.group, None)
            return
        said[key.group] = _said_digest(record.value)

    def resume(self) -> list[Outgoing]:
        """After the topics are read: what today's code and models say otherwise than what was said, if anything."""
        self._unresumed = set(self._sets.keys() | self._said.keys())
        self._touched = dict.fromkeys(sorted(self._unresumed), Lineage(self.number, self._latest))
        return self._flush()

    def absorb(self, records: Iterable[Incoming]) -> list[Outgoing]:
        """The records to write for this batch of changes: each row's last version and each changed group once."""
        for record in records:
            self._take(record)
        return self._flush()

    def _flush(self) -> list[Outgoing]:
        """What has gathered since the last time, with what every touched timekeeper's groups are now."""
        for scope in list(self._touched):
            self._say(scope)
        self._out += [self._kept_record(key, kept) for key, kept in self._kept.items()]
        flushed, self._out, self._kept = self._out, [], {}
        return flushed

    def failed(self, record: Incoming) -> Outgoing:
        """What to write down when our own code failed on this record, so that its third failure is known as such."""
        count = self.attempts.get(record.offset, 0) + 1
        self.attempts[record.offset] = count
        return self._kept_record(RowKey(0, 0, ATTEMPT, record.offset), Kept(count))

    def bury(self, record: Incoming, detail: str) -> list[Outgoing]:
        """The records to write for a change that our own code can't handle: its dead letter, and its row gone."""
        outcome = decode_change(record.value, self.number, record.offset, self._unseal)
        row = outcome.value.key if isinstance(outcome, Ok) else None
        self._dead(record, DeadLetter(Reason.BUG, detail, row))
        return self._flush()

    def _take(self, record: Incoming) -> None:
        match decode_change(record.value, self.number, record.offset, self._unseal):
            case Ok(change) if isinstance(change.value, Mark):
                self._pass_on(change, change.value)
            case Ok(change) if letter := self._unknown_model(change):
                self._dead(record, letter)
            case Ok(change) if self._apply(change):
                self._kept[change.key] = change.kept
            case DeadLetter() as letter:
                self._dead(record, letter)
            case Ok() | Skip():
                pass  # a version we already have, or something that no group hangs on

    def _unknown_model(self, change: Change) -> DeadLetter | None:
        """What is wrong with the activation of a model that isn't here; None for everything else."""
        if not isinstance(change.value, Activation) or change.value.model in self._models:
            return None
        detail = f"activation {change.key.id}: no model {change.value.model!r} here"
        return DeadLetter(Reason.UNKNOWN_MODEL, detail, change.key)

    def _apply(self, change: Change) -> bool:
        """True where the row's version is new to us. Marks are passed on, not kept; so their deletes mean nothing."""
        if change.key.table == "mark":
            return False
        scope = Scope(change.key.firm, change.key.timekeeper)
        if not self._set_of(scope).apply(change.key, change.version, change.value):
            return False
        self._touched[scope] = change.lineage
        return True

    def _set_of(self, scope: Scope) -> WorkingSet:
        if scope not in self._sets:
            self._sets[scope] = WorkingSet(self._models, self._default)
        return self._sets[scope]

    def _pass_on(self, change: Change, mark: Mark) -> None:
        scope = Scope(change.key.firm, change.key.timekeeper)
        if scope in self._touched:
            self._say(scope)
        name = f"close:{mark.id}" if mark.kind is MarkKind.CLOSE else str(mark.kind)
        key = MarkKey(scope.firm, scope.timekeeper, name)
        self._write_said(key, encode_said(MarkSaid(mark, change.lineage)))

    def _say(self, scope: Scope) -> None:
        """Says what is not as it was last said: upserts for changed values, tombstones for groups that are gone."""
        lineage = self._touched.pop(scope)
        working_set = self._set_of(scope)
        decision = working_set.decide()
        said = self._said.setdefault(scope, {})
        gone = said.keys() - working_set.groups.keys() if scope in self._unresumed else decision.gone & said.keys()
        self._unresumed.discard(scope)
        for name in sorted(gone):
            del said[name]
            self._write_said(GroupKey(scope.firm, scope.timekeeper, name), None)
        for name, group in sorted(decision.changed.items()):
            digest = _digest(encode_group(group))
            if said.get(name) != digest:
                said[name] = digest
                self._write_said(GroupKey(scope.firm, scope.timekeeper, name), encode_said(GroupSaid(group, lineage)))

    def _dead(self, record: Incoming, letter: DeadLetter) -> None:
        """The dead letter, whole; the row it is about leaves the set, since its older value is no longer true."""
        row = letter.row
        whole = DeadLettered(
            letter.reason,
            letter.detail,
            record.key,
            record.value,
            *((row.firm, row.timekeeper, row.table, row.id) if row else ()),
        )
        origin = encode_key(OriginKey(CHANGES.name, self.number, record.offset))
        self._out.append(Outgoing(DEAD_LETTERS.name, 0, origin, encode_dead_letter(whole)))
        if row is not None:
            gone = Kept(record.offset)
            if self._apply(Change(row, record.offset, None, gone, Lineage(self.number, record.offset))):
                self._kept[row] = gone

    def _write_said(self, key: GroupKey | MarkKey, value: bytes | None) -> None:
        self._out.append(Outgoing(GROUPS.name, self.number, encode_key(key), value))

    def _kept_record(self, key: RowKey, kept: Kept) -> Outgoing:
        return Outgoing(WORKING_SET.name, self.number, encode_key(key), encode_kept(kept))


def _said_digest(value: bytes) -> bytes:
    """The digest of a record's group; of what is none, a digest that no group has."""
    try:
        said = decode_said(value)
    except msgspec.DecodeError:
        return b""
    return _digest(encode_group(said.group)) if isinstance(said, GroupSaid) else b""


def _digest(raw: bytes) -> bytes:
    """16 bytes stand for a said value: equal values have equal digests, and nothing else is asked of them."""
    return blake2b(raw, digest_size=16).digest()
