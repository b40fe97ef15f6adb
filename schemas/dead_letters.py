"""The dead letter: a record that could not be used, whole, with the reason and where it came from; and its discard."""

import msgspec

from schemas.outcomes import Reason


class DeadLetterRecord(msgspec.Struct, frozen=True):
    """The value on `dead-letters`; its key is the origin (`schemas.keys.OriginKey`).

    `key` and `value` are the record's own bytes (base64 on the wire; None where it had none), so that nothing of it
    is lost. `scope` and `activity` are set where the record still told whose and which row it is about, None where it
    did not.
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
    """The value on `dead-letters` under a `schemas.keys.DiscardKey`: who gave a letter up, why and when.

    `at` is microseconds since 1970. The letter's reason and row are said again, since the letter may go.
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
    """The record's value on `dead-letters`."""
    return msgspec.json.encode(letter)


def decode_dead_letter(raw: bytes) -> DeadLetterRecord:
    """Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote."""
    return _dead_letter.decode(raw)


def encode_discard(discard: DiscardRecord) -> bytes:
    """The record's value on `dead-letters`."""
    return msgspec.json.encode(discard)


def decode_discard(raw: bytes) -> DiscardRecord:
    """Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote."""
    return _discard.decode(raw)
