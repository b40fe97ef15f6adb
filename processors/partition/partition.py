"""Decides one partition's timekeepers, without I/O: change events in, records to write out.

    decode -> apply (highest version wins) -> decide (only what changed) -> publish (only differences)

Restore it from the topics (`restore`, `restore_published`), then `open` it. Then pass it batches of changes in offset
order (`absorb`), and between them let it redecide one timekeeper after the other (`redecide_next`). Write the records
that each call returns in one transaction before the changes are acknowledged.
"""

from collections.abc import Callable, Iterable, Mapping

from processors.grouping.working_set import WorkingSet
from processors.partition.activated_models import ModelsByFirm
from processors.partition.attempts import ATTEMPT, Attempts
from processors.partition.change_reader import ChangeReader
from processors.partition.producer_records import (
    dead_letter_record,
    dead_letter_tombstone,
    mark_record,
    working_set_record,
)
from processors.partition.published_state import PublishedState
from processors.partition.quarantine import QUARANTINE, Quarantine
from schemas.changes import Change, Unseal, WorkingSetRow, decode_working_set_row, plain_unseal
from schemas.groups import Lineage
from schemas.keys import OriginKey, RowKey, Scope, decode_key
from schemas.outcomes import DeadLetter, Ok, Reason, Skip
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import CHANGES, WORKING_SET, ConsumerRecord, ProducerRecord
from schemas.values import Mark, MarkKind


class Partition:
    """The working sets of one partition and what is published of them. Not shared between threads.

    `models` are the loaded ones, and `default` is the version for timekeepers without an activation. `belongs` returns
    whether a timekeeper belongs in the partition: in two partitions the timekeeper would have two working sets.
    """

    def __init__(
        self,
        number: int,
        models: ModelsByFirm,
        default: str,
        unseal: Unseal = plain_unseal,
        belongs: Callable[[Scope], bool] = lambda _: True,
    ) -> None:
        self.number = number
        self._models, self._default = models, default
        self._reader = ChangeReader(number, models, unseal, belongs)
        self._sets: dict[Scope, WorkingSet] = {}
        self._published = PublishedState(number)
        self._quarantine = Quarantine(number)
        self._attempts = Attempts()
        self._not_redecided: dict[Scope, None] = {}
        self._touched: dict[Scope, Lineage] = {}
        self._latest: dict[Scope, int] = {}
        self._rows_to_store: dict[RowKey, WorkingSetRow] = {}
        self._out: list[ProducerRecord] = []

    @property
    def quarantined(self) -> Mapping[Scope, str]:
        """The quarantined timekeepers (`processors.partition.quarantine`), with the error."""
        return self._quarantine.errors

    @property
    def behind(self) -> int:
        """The number of timekeepers that haven't been redecided since it was opened."""
        return len(self._not_redecided)

    @property
    def activities(self) -> int:
        """The number of activities in its working sets. Another thread may read it while one works."""
        return sum(one.activities for one in list(self._sets.values()))

    def restore(self, record: ConsumerRecord) -> None:
        """Restores a record of `working-set` that a previous owner wrote. The last record of each key is enough."""
        if record.key is None or record.value is None:
            return
        try:
            key, kept = decode_key(record.key, RowKey), decode_working_set_row(record.value)
        except JSON_ERRORS as error:
            origin = OriginKey(WORKING_SET.name, self.number, record.offset)
            letter = DeadLetter(Reason.NOT_JSON, f"no worker of ours wrote this to {WORKING_SET.name}: {error}")
            self._out.append(dead_letter_record(origin, record, letter))
            return
        if key.table == ATTEMPT:
            self._attempts.restore(key, kept)
        elif key.table == QUARANTINE:
            self._quarantine.restore(key)
        else:
            self._or_quarantine(Scope(key.firm, key.timekeeper), lambda: self._restore_row(record, key, kept))

    def restore_published(self, record: ConsumerRecord) -> None:
        """Restores a record of `groups`, the only memory of what is published.

        The last record of each key is enough.
        """
        self._published.restore(record)

    def open(self) -> list[ProducerRecord]:
        """Ends the restore: from now on every timekeeper has to be redecided.

        Returns the dead letters of what couldn't be restored.
        """
        everybody = self._sets.keys() | self._published.scopes | self._quarantine.scopes
        self._not_redecided = dict.fromkeys(sorted(everybody - self.quarantined.keys()))
        self._touched.clear()
        return self._flush()

    def redecide_next(self) -> list[ProducerRecord]:
        """Redecides the next timekeeper by today's code and models.

        Returns the differences from what is published, if there are any.
        """
        if self._not_redecided:
            scope = next(iter(self._not_redecided))
            self._or_quarantine(scope, lambda: self._publish(scope))
        return self._flush()

    def redecide_owner_of(self, record: ConsumerRecord) -> list[ProducerRecord]:
        """Redecides the timekeeper of this change, where that is still to do, and returns the differences.

        Call it before the change, so that the change isn't blamed for an error that its predecessors cause.
        """
        scope = self._reader.scope_of(record)
        if scope in self._not_redecided:
            self._or_quarantine(scope, lambda: self._publish(scope))
        return self._flush()

    def absorb(self, records: Iterable[ConsumerRecord]) -> list[ProducerRecord]:
        """Applies a batch of changes and decides on it.

        Returns the records to write: each row's last version once, and each changed group once.
        """
        for record in records:
            self._absorb_one(record)
        return self._flush()

    def was_tried(self, record: ConsumerRecord) -> bool:
        """Returns whether our own code has failed on this record before."""
        return self._attempts.was_tried(record)

    def record_failure(self, record: ConsumerRecord) -> ProducerRecord:
        """Returns the record to write when our own code failed on a change. It counts the failures across processes."""
        return working_set_record(self.number, *self._attempts.failed(record, self._reader.scope_of(record)))

    def is_exhausted(self, record: ConsumerRecord) -> bool:
        """Returns whether our own code has failed on this record so often that it becomes a dead letter."""
        return self._attempts.is_exhausted(record, self._reader.scope_of(record))

    def dead_letter(self, record: ConsumerRecord, detail: str) -> list[ProducerRecord]:
        """Returns the records to write for a change that our own code can't handle: its dead letter, and its row
        removed.

        A timekeeper who can't be decided without the row either is quarantined.
        """
        letter = DeadLetter(Reason.BUG, detail, self._reader.row_of(record))
        scope = self._reader.scope_of(record)
        self._out.append(working_set_record(self.number, *self._attempts.give_up(record, scope)))
        self._or_quarantine(scope, lambda: self._dead_letter_row(record, letter))
        if scope in self._touched:
            self._or_quarantine(scope, lambda: self._publish(scope))
        return self._flush()

    def _flush(self) -> list[ProducerRecord]:
        """Publishes every changed timekeeper; returns the records that have collected since the last call."""
        for scope in list(self._touched):
            self._publish(scope)
        self._out += [working_set_record(self.number, key, kept) for key, kept in self._rows_to_store.items()]
        flushed, self._out, self._rows_to_store = self._out, [], {}
        return flushed

    def _restore_row(self, record: ConsumerRecord, key: RowKey, kept: WorkingSetRow) -> None:
        scope = Scope(key.firm, key.timekeeper)
        self._latest[scope] = max(self._latest.get(scope, 0), kept.version)
        match self._reader.read_stored(key, kept):
            case Ok(change) if isinstance(change.value, Mark):
                self._quarantine.hold_back(change)
            case Ok(change):
                self._apply(change)
            case DeadLetter() as letter:
                self._dead_letter_row(ConsumerRecord(self.number, kept.version, record.key, record.value), letter)

    def _absorb_one(self, record: ConsumerRecord) -> None:
        match self._reader.read(record):
            case Ok(change) if isinstance(change.value, Mark):
                self._forward_mark(change, change.value)
            case Ok(change) if self._apply_and_keep(change):
                pass
            case DeadLetter() as letter:
                self._dead_letter_row(record, letter)
            case Ok() | Skip():
                pass  # a known version, or a row that no group depends on

    def _apply_and_keep(self, change: Change) -> bool:
        """Applies a change and stores its row; returns False where its version is known. It resolves the row's dead
        letter.

        A version without a value is a delete or a dead letter, and only the topic of dead letters shows which. Where
        there is no dead letter, the tombstone has no effect.
        """
        known = self._known_set(change.key)
        gone_at = None if known is None else known.gone_at(change.key)
        if not self._apply(change):
            return False
        self._rows_to_store[change.key] = change.working_set_row
        if gone_at is not None:
            self._out.append(dead_letter_tombstone(OriginKey(CHANGES.name, self.number, gone_at)))
            if attempt := self._attempts.resolved(Scope(change.key.firm, change.key.timekeeper), gone_at):
                self._out.append(working_set_record(self.number, attempt, None))
        return True

    def _known_set(self, key: RowKey) -> WorkingSet | None:
        return self._sets.get(Scope(key.firm, key.timekeeper))

    def _apply(self, change: Change) -> bool:
        """Returns whether the row's version is new. Marks are forwarded and not stored, so their deletes have no
        effect.
        """
        if change.key.table == "mark":
            return False
        scope = Scope(change.key.firm, change.key.timekeeper)
        if scope not in self._sets:
            self._sets[scope] = WorkingSet(self._models.models_of(scope.firm), self._default)
        if not self._sets[scope].apply(change.key, change.version, change.value):
            return False
        self._latest[scope] = max(self._latest.get(scope, 0), change.version)
        self._touched[scope] = change.lineage
        return True

    def _forward_mark(self, change: Change, mark: Mark) -> None:
        """Publishes a mark behind all that came before it.

        The close mark of a quarantined timekeeper is held back. An audit's mark isn't, so that the audit finds the
        quarantine.
        """
        scope = Scope(change.key.firm, change.key.timekeeper)
        if scope in self._touched or scope in self._not_redecided:
            self._publish(scope)
        if scope in self.quarantined and mark.kind is MarkKind.CLOSE:
            self._quarantine.hold_back(change)
            self._rows_to_store[change.key] = change.working_set_row
        else:
            self._out.append(mark_record(self.number, scope, mark, change.lineage))

    def _publish(self, scope: Scope) -> None:
        """Publishes the differences: upserts for changed values, tombstones for groups that are gone."""
        lineage = self._touched.pop(scope, None) or Lineage(self.number, self._latest.get(scope, 0))
        if scope in self.quarantined:
            return
        if scope not in self._sets:
            self._sets[scope] = WorkingSet(self._models.models_of(scope.firm), self._default)
        working_set = self._sets[scope]
        decision = working_set.decide()
        redeciding = scope in self._not_redecided
        gone = self._published.names(scope) - working_set.groups.keys() if redeciding else decision.gone
        self._out += self._published.differences(scope, decision.changed, gone, lineage)
        if redeciding:
            del self._not_redecided[scope]
            self._out += self._quarantine.release(scope)

    def _or_quarantine(self, scope: Scope, step: Callable[[], None]) -> None:
        """Runs a step that concerns only one timekeeper. Where our own code fails at it, quarantines the timekeeper."""
        try:
            step()
        except MemoryError:
            raise  # no timekeeper causes a lack of memory
        except Exception as error:  # noqa: BLE001  any error is blamed on this timekeeper and reported
            self._touched.pop(scope, None)
            self._not_redecided.pop(scope, None)
            self._out += self._quarantine.quarantine(scope, self._latest.get(scope, 0), error)

    def _dead_letter_row(self, record: ConsumerRecord, letter: DeadLetter) -> None:
        """Makes a dead letter of the whole record. Its row leaves the working set, because the older value is no longer
        true.

        Does nothing where this version of the row or a later one is known: then its dead letter was written with it.
        """
        row = letter.row
        known = None if row is None else self._known_set(row)
        if row is not None and known is not None and known.version(row) >= record.offset:
            return
        self._out.append(dead_letter_record(OriginKey(CHANGES.name, self.number, record.offset), record, letter))
        if row is not None:
            self._apply_and_keep(
                Change(row, record.offset, None, WorkingSetRow(record.offset), Lineage(self.number, record.offset))
            )
