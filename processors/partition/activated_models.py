"""The models that activations name: they have to be here before the activations are decided on."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from processors.grouping.model.grouping_model import Model
from schemas.changes import Change, change_from_working_set, decode_change, decode_working_set_row
from schemas.keys import RowKey, decode_key
from schemas.outcomes import DeadLetter, Ok, Skip
from schemas.records import ConsumerRecord
from schemas.row_decoders import JSON_ERRORS
from schemas.values import Activation

ACTIVATION = b'"activation"'
"""Stands in every change event and key of that table; in words, quotes are escaped."""

Named = tuple[int, str]
"""A firm and a version."""


class Models(Protocol):
    """The models that are here, by firm."""

    def of(self, firm: int) -> Mapping[str, Model]:
        """Everybody's and the firm's own, by version: no firm has another's. What comes to be here is in it then."""
        ...


def named_in_changes(records: Iterable[ConsumerRecord]) -> set[Named]:
    """What these records of `changes` name."""
    found = [one for one in records if one.value is not None and ACTIVATION in one.value]
    return set(_named(decode_change(one.value, one.partition, one.offset) for one in found))


def named_in_kept(records: Iterable[ConsumerRecord]) -> set[Named]:
    """What these records of `working-set` name."""
    return set(_named(_kept(one) for one in records if one.key is not None and ACTIVATION in one.key))


def _kept(record: ConsumerRecord) -> Ok[Change] | Skip | DeadLetter:
    try:
        key, kept = decode_key(record.key or b"", RowKey), decode_working_set_row(record.value or b"")
    except JSON_ERRORS:
        return Skip("whoever restores it says so")
    return change_from_working_set(key, kept, record.partition)


def _named(outcomes: Iterable[Ok[Change] | Skip | DeadLetter]) -> Iterator[Named]:
    for outcome in outcomes:
        if isinstance(outcome, Ok) and isinstance(value := outcome.value.value, Activation):
            yield outcome.value.key.firm, value.model
