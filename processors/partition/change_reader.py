"""Decodes a partition's records, and finds what is wrong with one in this partition."""

from collections.abc import Callable

from processors.partition.activated_models import ModelsByFirm
from schemas.changes import Change, Unseal, WorkingSetRow, change_from_working_set, decode_change
from schemas.keys import RowKey, Scope
from schemas.outcomes import DeadLetter, Ok, Reason, Skip
from schemas.topics import ConsumerRecord
from schemas.values import Activation

NOBODY = Scope(0, 0)
"""Stands for the timekeeper of a change that our own code can't decode."""

Read = Ok[Change] | Skip | DeadLetter


class ChangeReader:
    """Decodes the records of partition `number`. `models` are the loaded ones.

    `belongs` returns whether a timekeeper belongs in the partition.
    """

    def __init__(self, number: int, models: ModelsByFirm, unseal: Unseal, belongs: Callable[[Scope], bool]) -> None:
        self._number, self._models, self._unseal, self._belongs = number, models, unseal, belongs

    def read(self, record: ConsumerRecord) -> Read:
        """Decodes a record of `changes`.

        The change of a timekeeper who belongs in another partition becomes a dead letter without a row, because its row
        mustn't be touched here.
        """
        outcome = decode_change(record.value, self._number, record.offset, self._unseal)
        row = outcome.value.key if isinstance(outcome, Ok) else outcome.row if isinstance(outcome, DeadLetter) else None
        if row is None or self._belongs(Scope(row.firm, row.timekeeper)):
            return self._with_its_model(outcome)
        detail = f"{row.table} {row.id} of firm {row.firm}, timekeeper {row.timekeeper} isn't of this partition"
        return DeadLetter(Reason.WRONG_PARTITION, detail)

    def read_stored(self, key: RowKey, kept: WorkingSetRow) -> Read:
        """Decodes a record of `working-set`. It was valid when it was stored, but its model or key may be gone."""
        return self._with_its_model(change_from_working_set(key, kept, self._number, self._unseal))

    def row_of(self, record: ConsumerRecord) -> RowKey | None:
        """Returns the row that a record is about; None where our own code can't tell."""
        try:
            outcome = self.read(record)
        except Exception:  # noqa: BLE001  the failure itself is handled by the caller; here only the row matters
            return None
        match outcome:
            case Ok(change):
                return change.key
            case DeadLetter():
                return outcome.row
            case Skip():
                return None

    def scope_of(self, record: ConsumerRecord) -> Scope:
        """Returns the timekeeper that a record is about; NOBODY where our own code can't tell."""
        row = self.row_of(record)
        return Scope(row.firm, row.timekeeper) if row else NOBODY

    def _with_its_model(self, outcome: Read) -> Read:
        if not isinstance(outcome, Ok) or not isinstance(value := outcome.value.value, Activation):
            return outcome
        row = outcome.value.key
        if value.model in self._models.models_of(row.firm):
            return outcome
        return DeadLetter(
            Reason.UNKNOWN_MODEL,
            f"activation {row.id}: firm {row.firm} has no model {value.model!r} that works here",
            row,
        )
