"""Defines the records of `dead-letters`: a record that can't be used, with its reason and origin; and its discard."""

import msgspec

from schemas.outcomes import Reason


class DeadLetterRecord(msgspec.Struct, frozen=True):
    """The value on `dead-letters`; its key is the origin (`schemas.keys.OriginKey`).

    `key` and `value` are the record's own bytes (base64 on the wire; None where it had none), so that nothing of it
    is lost. `firm`, `timekeeper`, `table` and `row` name the row that it is about; None where the record didn't show
    them.
    """

    reason: Reason
    detail: str
    key: bytes | None
    value: bytes | None
    firm: int | None = None
    timekeeper: int | None = None
    table: str | None = None
    row: int | None = None


class DiscardRecord(msgspec.Struct, frozen=True):
    """The value on `dead-letters` under a `schemas.keys.DiscardKey`: who discarded a dead letter, why and when.

    `at` is microseconds since 1970. The dead letter's reason and row are repeated here, because it may be deleted.
    """

    by: str
    why: str
    at: int
    reason: Reason
    firm: int | None = None
    timekeeper: int | None = None
    table: str | None = None
    row: int | None = None


_dead_letter = msgspec.json.Decoder(DeadLetterRecord)
_discard = msgspec.json.Decoder(DiscardRecord)


def encode_dead_letter(letter: DeadLetterRecord) -> bytes:
    """Returns the record's value on `dead-letters`."""
    return msgspec.json.encode(letter)


def decode_dead_letter(raw: bytes) -> DeadLetterRecord:
    """Decodes a dead letter.

    Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote.
    """
    return _dead_letter.decode(raw)


def encode_discard(discard: DiscardRecord) -> bytes:
    """Returns the record's value on `dead-letters`."""
    return msgspec.json.encode(discard)


def decode_discard(raw: bytes) -> DiscardRecord:
    """Decodes a discard.

    Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote.
    """
    return _discard.decode(raw)
