"""One partition's timekeepers: change events in, records to say out. The whole of a worker's deciding, without any I/O.

    decode -> apply (highest version wins) -> decide (only what was touched) -> say (only what changed)

Feed it what the topics remember (`restore`, `remember`), `open` it, then give it batches of changes in offset order
(`absorb`), and between them let it look at everybody again (`look_again`). What these return has to be written whole or
not at all, before its changes are acknowledged.
"""

from collections.abc import Callable, Iterable, Mapping

from processors.grouping.working_set import WorkingSet
from processors.partition.activated_models import Models
from processors.partition.attempts import ATTEMPT, Attempts
from processors.partition.change_reader import Reader
from processors.partition.producer_records import answer_record, kept_record, letter_record, mark_record
from processors.partition.published_state import Memory
from processors.partition.quarantine import ASIDE, Aside
from schemas.changes import Change, Unseal, WorkingSetRow, decode_working_set_row, plain_unseal
from schemas.groups import Lineage
from schemas.keys import OriginKey, RowKey, Scope, decode_key
from schemas.outcomes import DeadLetter, Ok, Reason, Skip
from schemas.records import ConsumerRecord, ProducerRecord
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import CHANGES, WORKING_SET
from schemas.values import Mark, MarkKind


class Partition:
    """The working sets of one partition and what was said about them. Not shared between threads.

    `number` is the partition's; `models` are those that are here, `default` is the version for who has no activation.
    `belongs` tells whose changes are meant to be in it: in two partitions a timekeeper would have two sets.
    """

    def __init__(
        self,
        number: int,
        models: Models,
        default: str,
        unseal: Unseal = plain_unseal,
        belongs: Callable[[Scope], bool] = lambda _: True,
    ) -> None:
        self.number = number
        self._models, self._default = models, default
        self._reader = Reader(number, models, unseal, belongs)
        self._sets: dict[Scope, WorkingSet] = {}
        self._memory = Memory(number)
        self._aside = Aside(number)
        self._attempts = Attempts()
        self._unresumed: dict[Scope, None] = {}
        self._touched: dict[Scope, Lineage] = {}
        self._latest: dict[Scope, int] = {}
        self._kept: dict[RowKey, WorkingSetRow] = {}
        self._out: list[ProducerRecord] = []

    @property
    def aside(self) -> Mapping[Scope, str]:
        """Timekeepers who are set aside (`processors.partition.quarantine`), with the error."""
        return self._aside.errors

    @property
    def behind(self) -> int:
        """How many timekeepers nobody has looked at since it was opened."""
        return len(self._unresumed)

    @property
    def activities(self) -> int:
        """How many activities its sets hold. May be asked by another thread while one works."""
        return sum(one.activities for one in list(self._sets.values()))

    def restore(self, record: ConsumerRecord) -> None:
        """Takes in a record of `working-set`, as an owner before us left it: of each key the last is enough."""
        if record.key is None or record.value is None:
            return
        try:
            key, kept = decode_key(record.key, RowKey), decode_working_set_row(record.value)
        except JSON_ERRORS as error:
            origin = OriginKey(WORKING_SET.name, self.number, record.offset)
            letter = DeadLetter(Reason.NOT_JSON, f"no worker of ours wrote this to {WORKING_SET.name}: {error}")
            self._out.append(letter_record(origin, record, letter))
            return
        if key.table == ATTEMPT:
            self._attempts.restore(key, kept)
        elif key.table == ASIDE:
            self._aside.restore(key)
        else:
            self._or_aside(Scope(key.firm, key.timekeeper), lambda: self._restore_row(record, key, kept))

    def remember(self, record: ConsumerRecord) -> None:
        """Takes in a record of `groups`, the only memory of what was said: of each key the last is enough."""
        self._memory.remember(record)

    def open(self) -> list[ProducerRecord]:
        """After the topics are read: the letters of what couldn't be restored. Everybody is to be looked at again."""
        everybody = self._sets.keys() | self._memory.scopes | self._aside.scopes
        self._unresumed = dict.fromkeys(sorted(everybody - self.aside.keys()))
        self._touched.clear()
        return self._flush()

    def look_again(self) -> list[ProducerRecord]:
        """What today's code and models say of the next timekeeper otherwise than what was said, if anything."""
        if self._unresumed:
            scope = next(iter(self._unresumed))
            self._or_aside(scope, lambda: self._say(scope))
        return self._flush()

    def look_at(self, record: ConsumerRecord) -> list[ProducerRecord]:
        """The same of the timekeeper of this change, before it: so that no change is blamed for what was there."""
        scope = self._reader.whose(record)
        if scope in self._unresumed:
            self._or_aside(scope, lambda: self._say(scope))
        return self._flush()

    def absorb(self, records: Iterable[ConsumerRecord]) -> list[ProducerRecord]:
        """The records to write for this batch of changes: each row's last version and each changed group once."""
        for record in records:
            self._take(record)
        return self._flush()

    def tried(self, record: ConsumerRecord) -> bool:
        """Did our own code fail on it before?"""
        return self._attempts.tried(record)

    def failed(self, record: ConsumerRecord) -> ProducerRecord:
        """What to write down when our own code failed on this record, so that its third failure is known as such."""
        return kept_record(self.number, *self._attempts.failed(record, self._reader.whose(record)))

    def hopeless(self, record: ConsumerRecord) -> bool:
        """Has our own code failed on it often enough?"""
        return self._attempts.hopeless(record, self._reader.whose(record))

    def bury(self, record: ConsumerRecord, detail: str) -> list[ProducerRecord]:
        """The records to write for a change that our own code can't handle: its dead letter, and its row gone.

        Whoever can't be decided without the row either is set aside.
        """
        letter = DeadLetter(Reason.BUG, detail, self._reader.about(record))
        scope = self._reader.whose(record)
        self._out.append(kept_record(self.number, *self._attempts.give_up(record, scope)))
        self._or_aside(scope, lambda: self._dead(record, letter))
        if scope in self._touched:
            self._or_aside(scope, lambda: self._say(scope))
        return self._flush()

    def _flush(self) -> list[ProducerRecord]:
        """What has gathered since the last time, with what every touched timekeeper's groups are now."""
        for scope in list(self._touched):
            self._say(scope)
        self._out += [kept_record(self.number, key, kept) for key, kept in self._kept.items()]
        flushed, self._out, self._kept = self._out, [], {}
        return flushed

    def _restore_row(self, record: ConsumerRecord, key: RowKey, kept: WorkingSetRow) -> None:
        scope = Scope(key.firm, key.timekeeper)
        self._latest[scope] = max(self._latest.get(scope, 0), kept.version)
        match self._reader.read_kept(key, kept):
            case Ok(change) if isinstance(change.value, Mark):
                self._aside.withhold(change)
            case Ok(change):
                self._apply(change)
            case DeadLetter() as letter:
                self._dead(ConsumerRecord(self.number, kept.version, record.key, record.value), letter)

    def _take(self, record: ConsumerRecord) -> None:
        match self._reader.read(record):
            case Ok(change) if isinstance(change.value, Mark):
                self._pass_on(change, change.value)
            case Ok(change) if self._heed(change):
                pass
            case DeadLetter() as letter:
                self._dead(record, letter)
            case Ok() | Skip():
                pass  # a version we already have, or something that no group hangs on

    def _heed(self, change: Change) -> bool:
        """Applies a change and keeps it; False where its version is known. It answers the row's letter, if it has one.

        A version without a row is a delete or a dead letter, and only the dead letters know which: where there is
        none, taking it back says nothing.
        """
        known = self._known(change.key)
        gone_at = None if known is None else known.gone_at(change.key)
        if not self._apply(change):
            return False
        self._kept[change.key] = change.working_set_row
        if gone_at is not None:
            self._out.append(answer_record(OriginKey(CHANGES.name, self.number, gone_at)))
            if over := self._attempts.answered(Scope(change.key.firm, change.key.timekeeper), gone_at):
                self._out.append(kept_record(self.number, over, None))
        return True

    def _known(self, key: RowKey) -> WorkingSet | None:
        return self._sets.get(Scope(key.firm, key.timekeeper))

    def _apply(self, change: Change) -> bool:
        """True where the row's version is new to us. Marks are passed on, not kept; so their deletes mean nothing."""
        if change.key.table == "mark":
            return False
        scope = Scope(change.key.firm, change.key.timekeeper)
        if scope not in self._sets:
            self._sets[scope] = WorkingSet(self._models.of(scope.firm), self._default)
        if not self._sets[scope].apply(change.key, change.version, change.value):
            return False
        self._latest[scope] = max(self._latest.get(scope, 0), change.version)
        self._touched[scope] = change.lineage
        return True

    def _pass_on(self, change: Change, mark: Mark) -> None:
        """A mark, behind all that was before it. A period waits for who is set aside; an audit is to find it."""
        scope = Scope(change.key.firm, change.key.timekeeper)
        if scope in self._touched or scope in self._unresumed:
            self._say(scope)
        if scope in self.aside and mark.kind is MarkKind.CLOSE:
            self._aside.withhold(change)
            self._kept[change.key] = change.working_set_row
        else:
            self._out.append(mark_record(self.number, scope, mark, change.lineage))

    def _say(self, scope: Scope) -> None:
        """Says what is not as it was last said: upserts for changed values, tombstones for groups that are gone."""
        lineage = self._touched.pop(scope, None) or Lineage(self.number, self._latest.get(scope, 0))
        if scope in self.aside:
            return
        if scope not in self._sets:
            self._sets[scope] = WorkingSet(self._models.of(scope.firm), self._default)
        working_set = self._sets[scope]
        decision = working_set.decide()
        again = scope in self._unresumed
        gone = self._memory.names(scope) - working_set.groups.keys() if again else decision.gone
        self._out += self._memory.differences(scope, decision.changed, gone, lineage)
        if again:
            del self._unresumed[scope]
            self._out += self._aside.make_good(scope)

    def _or_aside(self, scope: Scope, step: Callable[[], None]) -> None:
        """Does a step that concerns one timekeeper only; where our own code fails at it, they are set aside."""
        try:
            step()
        except MemoryError:
            raise  # the machine's fault, and no timekeeper's
        except Exception as error:  # noqa: BLE001  whatever it is, it is pinned on this timekeeper and told
            self._touched.pop(scope, None)
            self._unresumed.pop(scope, None)
            self._out += self._aside.put(scope, self._latest.get(scope, 0), error)

    def _dead(self, record: ConsumerRecord, letter: DeadLetter) -> None:
        """The dead letter, whole; the row it is about leaves the set, since its older value is no longer true.

        Nothing where a later version of the row is known, or this one: its letter was written with it.
        """
        row = letter.row
        known = None if row is None else self._known(row)
        if row is not None and known is not None and known.version(row) >= record.offset:
            return
        self._out.append(letter_record(OriginKey(CHANGES.name, self.number, record.offset), record, letter))
        if row is not None:
            self._heed(
                Change(row, record.offset, None, WorkingSetRow(record.offset), Lineage(self.number, record.offset))
            )
