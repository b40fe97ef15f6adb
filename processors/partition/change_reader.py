"""Reading a partition's records: what a change says, whose it is, and what is wrong with it in this partition."""

from collections.abc import Callable

from processors.partition.activated_models import Models
from schemas.changes import Change, Unseal, WorkingSetRow, change_from_working_set, decode_change
from schemas.keys import RowKey, Scope
from schemas.outcomes import DeadLetter, Ok, Reason, Skip
from schemas.records import ConsumerRecord
from schemas.values import Activation

NOBODY = Scope(0, 0)
"""Stands for whoever a change is about that our own code can't decode."""

Read = Ok[Change] | Skip | DeadLetter


class Reader:
    """`models` are those that are here; `belongs` tells whose changes are meant to be in partition `number`."""

    def __init__(self, number: int, models: Models, unseal: Unseal, belongs: Callable[[Scope], bool]) -> None:
        self._number, self._models, self._unseal, self._belongs = number, models, unseal, belongs

    def read(self, record: ConsumerRecord) -> Read:
        """What a record of `changes` says. Of somebody whose changes aren't here it says nothing that we may touch."""
        outcome = decode_change(record.value, self._number, record.offset, self._unseal)
        about = (
            outcome.value.key if isinstance(outcome, Ok) else outcome.row if isinstance(outcome, DeadLetter) else None
        )
        if about is None or self._belongs(Scope(about.firm, about.timekeeper)):
            return self._with_its_model(outcome)
        detail = f"{about.table} {about.id} of firm {about.firm}, timekeeper {about.timekeeper} isn't of this partition"
        return DeadLetter(Reason.WRONG_PARTITION, detail)

    def read_kept(self, key: RowKey, kept: WorkingSetRow) -> Read:
        """The same of a record of `working-set`: it was good when it was kept, but a model or a key may have gone."""
        return self._with_its_model(change_from_working_set(key, kept, self._number, self._unseal))

    def about(self, record: ConsumerRecord) -> RowKey | None:
        """The row that a record is about, where our own code can read it."""
        try:
            outcome = self.read(record)
        except Exception:  # noqa: BLE001  that it fails is told where it matters; here only its row is asked for
            return None
        match outcome:
            case Ok(change):
                return change.key
            case DeadLetter():
                return outcome.row
            case Skip():
                return None

    def whose(self, record: ConsumerRecord) -> Scope:
        """Whom a record is about, NOBODY where that can't be said."""
        row = self.about(record)
        return Scope(row.firm, row.timekeeper) if row else NOBODY

    def _with_its_model(self, outcome: Read) -> Read:
        if not isinstance(outcome, Ok) or not isinstance(value := outcome.value.value, Activation):
            return outcome
        row = outcome.value.key
        if value.model in self._models.of(row.firm):
            return outcome
        return DeadLetter(
            Reason.UNKNOWN_MODEL,
            f"activation {row.id}: firm {row.firm} has no model {value.model!r} that works here",
            row,
        )
