"""Decodes Debezium's envelopes, and the rows inside them, into typed values.

It ignores columns that a decoder doesn't know. A column that a later migration added gets the default that older rows
have. So the envelopes of every migration stay readable (tests/golden/envelopes holds one for each).
"""

from collections.abc import Callable

import msgspec

from schemas.groups import Lineage
from schemas.keys import INTERNAL_PREFIX, RowKey
from schemas.outcomes import DeadLetter, Ok, Reason, Skip
from schemas.row_decoders import JSON_ERRORS, ROW_DECODERS, BadRow, RowId
from schemas.values import Value

Unseal = Callable[[RowKey, str], str]
"""Opens sealed words: returns the words as plain JSON, given the row's key and the words as stored.

Raises BadRow with `Reason.SEALED` where no key opens them.
"""

TABLES_READ_BY_SQL = frozenset({"cadence"})
"""Tables that are captured for replay, but that no stream processor uses."""


NO_ROW = msgspec.Raw(b"null")


class WorkingSetRow(msgspec.Struct, frozen=True):
    """The value on `working-set`: a row as captured (words still sealed) and its version.

    `row` is JSON null where the row was deleted.
    """

    version: int
    row: msgspec.Raw = NO_ROW


class Change(msgspec.Struct, frozen=True):
    """One decoded change of one row. `value` is None for a delete; `working_set_row` is what the working set stores."""

    key: RowKey
    version: int
    value: Value | None
    working_set_row: WorkingSetRow
    lineage: Lineage


class _Source(msgspec.Struct):
    table: str
    ts_ms: int = 0
    gtid: str | None = None
    file: str | None = None
    pos: int = 0


class _Envelope(msgspec.Struct):
    source: _Source
    op: str
    before: msgspec.Raw = NO_ROW
    after: msgspec.Raw = NO_ROW


class _ConnectMessage(msgspec.Struct):
    payload: msgspec.Raw


class _Ids(msgspec.Struct):
    id: RowId
    firm_id: RowId | None = None
    timekeeper_id: RowId | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_connect_message = msgspec.json.Decoder(_ConnectMessage)
_ids = msgspec.json.Decoder(_Ids)
_working_set_row = msgspec.json.Decoder(WorkingSetRow)


def plain_unseal(_: RowKey, words: str) -> str:
    """Returns plain words unchanged: the unsealer of a firm that seals nothing. Raises BadRow for sealed words."""
    if words.startswith('{"sealed"'):
        raise BadRow(Reason.SEALED, "the words are sealed, and no key is configured to open them")
    return words


def decode_change(
    raw: bytes | None, partition: int, offset: int, unseal: Unseal = plain_unseal
) -> Ok[Change] | Skip | DeadLetter:
    """Decodes one record of `changes` into a typed change, whose version is the record's offset.

    Returns Skip for a table that no stream processor uses, DeadLetter for a record that can't be used.
    """
    if raw is None:
        return DeadLetter(Reason.NULL_VALUE, "the record has no value; capture writes no tombstones to this topic")
    envelope = _decode_envelope(raw)
    if isinstance(envelope, DeadLetter):
        return envelope
    table = envelope.source.table
    if table in TABLES_READ_BY_SQL:
        return Skip(f"{table} is read by SQL")
    row = envelope.before if envelope.op == "d" else envelope.after
    if table not in ROW_DECODERS:
        known = ", ".join(sorted(ROW_DECODERS))
        return DeadLetter(
            Reason.UNKNOWN_TABLE, f"no decoder for table {table!r}; known are {known}", _row_key(table, row)
        )
    if envelope.op not in ("c", "u", "r", "d"):
        return DeadLetter(Reason.UNKNOWN_OP, f"operation {envelope.op!r} on {table}; known are c, u, r and d")
    if bytes(row) == b"null":
        return DeadLetter(
            Reason.NO_PAYLOAD,
            f"operation {envelope.op!r} on {table} without its row (is binlog_row_image FULL?)",
        )
    source = envelope.source
    lineage = Lineage(partition, offset, source.gtid or "", source.file or "", source.pos, source.ts_ms)
    return _decode_change_row(table, envelope.op == "d", row, lineage, unseal)


def _decode_envelope(raw: bytes) -> _Envelope | DeadLetter:
    """Decodes the envelope, with or without Connect's schema around it."""
    try:
        return _envelope.decode(raw)
    except msgspec.ValidationError as error:
        first = error
    except JSON_ERRORS as error:
        return DeadLetter(Reason.NOT_JSON, f"the value isn't JSON that can be read: {error}")
    try:
        return _envelope.decode(_connect_message.decode(raw).payload)
    except JSON_ERRORS:
        return DeadLetter(Reason.NO_PAYLOAD, f"JSON, but no change envelope: {first}")


def _row_key(table: str, row: msgspec.Raw) -> RowKey | None:
    """Returns the key of a row whose table has no decoder; None where the row lacks the ids of our tables."""
    if table.startswith(INTERNAL_PREFIX):
        return None
    try:
        ids = _ids.decode(row)
    except JSON_ERRORS:
        return None
    return RowKey(ids.firm_id, ids.timekeeper_id, table, ids.id) if ids.firm_id and ids.timekeeper_id else None


def _decode_change_row(
    table: str, deleted: bool, row: msgspec.Raw, lineage: Lineage, unseal: Unseal
) -> Ok[Change] | DeadLetter:
    try:
        ids = _ids.decode(row)
    except JSON_ERRORS as error:
        return _bad_column(table, None, error)
    if ids.firm_id is None or ids.timekeeper_id is None:
        return DeadLetter(
            Reason.NO_OWNER,
            f"{table} {ids.id} has no firm or no timekeeper; set firm_id and timekeeper_id of the row",
        )
    key = RowKey(ids.firm_id, ids.timekeeper_id, table, ids.id)
    if deleted:
        return Ok(Change(key, lineage.offset, None, WorkingSetRow(lineage.offset), lineage))
    outcome = decode_row(key, row, unseal)
    if isinstance(outcome, DeadLetter):
        return outcome
    return Ok(
        Change(key, lineage.offset, outcome.value, WorkingSetRow(lineage.offset, msgspec.Raw(bytes(row))), lineage)
    )


def decode_row(key: RowKey, row: bytes | msgspec.Raw, unseal: Unseal = plain_unseal) -> Ok[Value] | DeadLetter:
    """Decodes a captured row into its typed value, for change events and for rows of the working set."""
    decoder, build = ROW_DECODERS[key.table]
    try:
        return Ok(build(decoder.decode(row), lambda words: unseal(key, words)))
    except BadRow as bad:
        return DeadLetter(bad.reason, f"{key.table} {key.id}: {bad}", key)
    except JSON_ERRORS as error:
        return _bad_column(key.table, key, error)


def _bad_column(table: str, key: RowKey | None, error: Exception) -> DeadLetter:
    missing = str(error).startswith("Object missing required field")
    reason = Reason.MISSING_COLUMN if missing else Reason.BAD_COLUMN
    name = f"{table} {key.id}" if key else table
    return DeadLetter(reason, f"{name}: {error}", key)


def encode_working_set_row(row: WorkingSetRow) -> bytes:
    """Returns the record's value on `working-set`."""
    return msgspec.json.encode(row)


def decode_working_set_row(raw: bytes) -> WorkingSetRow:
    """Decodes a value of `working-set`.

    Raises msgspec.DecodeError or ValidationError on bytes that no worker of ours wrote.
    """
    return _working_set_row.decode(raw)


def change_from_working_set(
    key: RowKey, stored: WorkingSetRow, partition: int, unseal: Unseal = plain_unseal
) -> Ok[Change] | DeadLetter:
    """Returns the change that a row of the working set came from; its lineage has only partition and offset."""
    lineage = Lineage(partition, stored.version)
    if bytes(stored.row) == b"null":
        return Ok(Change(key, stored.version, None, stored, lineage))
    outcome = decode_row(key, stored.row, unseal)
    return (
        outcome if isinstance(outcome, DeadLetter) else Ok(Change(key, stored.version, outcome.value, stored, lineage))
    )
