"""The dead letter: a record that could not be used, whole, with the reason and where it came from; and its discard."""

import msgspec

from schemas.outcomes import Reason


class DeadLettered(msgspec.Struct, frozen=True):
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


class Discarded(msgspec.Struct, frozen=True):
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


_decoder = msgspec.json.Decoder(DeadLettered)
_discarded = msgspec.json.Decoder(Discarded)


def encode_dead_letter(letter: DeadLettered) -> bytes:
    """The record's value on `dead-letters`."""
    return msgspec.json.encode(letter)


def decode_dead_letter(raw: bytes) -> DeadLettered:
    """Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote."""
    return _decoder.decode(raw)


def encode_discarded(discarded: Discarded) -> bytes:
    """The record's value on `dead-letters`."""
    return msgspec.json.encode(discarded)


def decode_discarded(raw: bytes) -> Discarded:
    """Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote."""
    return _discarded.decode(raw)
