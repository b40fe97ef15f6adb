"""The dead letter: a record that could not be used, whole, with the reason and where it came from."""

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


_decoder = msgspec.json.Decoder(DeadLettered)


def encode_dead_letter(letter: DeadLettered) -> bytes:
    """The record's value on `dead-letters`."""
    return msgspec.json.encode(letter)


def decode_dead_letter(raw: bytes) -> DeadLettered:
    """Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote."""
    return _decoder.decode(raw)
