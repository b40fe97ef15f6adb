"""Finds the models that activations name. They have to be loaded before the activations are decided on."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from processors.grouping.model.grouping_model import Model
from schemas.changes import Change, change_from_working_set, decode_change, decode_working_set_row
from schemas.keys import RowKey, decode_key
from schemas.outcomes import DeadLetter, Ok, Skip
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import ConsumerRecord
from schemas.values import Activation

ACTIVATION = b'"activation"'
"""Occurs in every change event and key of that table, and never in words: there quotes are escaped."""

Named = tuple[int, str]
"""A firm and a version."""


class ModelsByFirm(Protocol):
    """The loaded models by firm."""

    def models_of(self, firm: int) -> Mapping[str, Model]:
        """Returns the shipped models and the firm's own, by version; no firm has another's. Models that are loaded
        later appear in it.
        """
        ...


def named_in_changes(records: Iterable[ConsumerRecord]) -> set[Named]:
    """Returns the models that these records of `changes` name."""
    found = [one for one in records if one.value is not None and ACTIVATION in one.value]
    return set(_named(decode_change(one.value, one.partition, one.offset) for one in found))


def named_in_working_set(records: Iterable[ConsumerRecord]) -> set[Named]:
    """Returns the models that these records of `working-set` name."""
    return set(_named(_kept(one) for one in records if one.key is not None and ACTIVATION in one.key))


def _kept(record: ConsumerRecord) -> Ok[Change] | Skip | DeadLetter:
    try:
        key, kept = decode_key(record.key or b"", RowKey), decode_working_set_row(record.value or b"")
    except JSON_ERRORS:
        return Skip("it becomes a dead letter when it is restored")
    return change_from_working_set(key, kept, record.partition)


def _named(outcomes: Iterable[Ok[Change] | Skip | DeadLetter]) -> Iterator[Named]:
    for outcome in outcomes:
        if isinstance(outcome, Ok) and isinstance(value := outcome.value.value, Activation):
            yield outcome.value.key.firm, value.model
