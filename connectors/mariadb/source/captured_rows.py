"""Rows of the captured tables as the typed values that their change events give (`schemas.changes`).

A row is read in the form that it has on the wire and goes through the same decoder as a change event, so that the two
can't drift apart; the content hash depends on it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import BIGINT, Column, ColumnElement, Connection, Select, Table, literal_column, select, type_coerce
from sqlalchemy import func as sql
from sqlalchemy.dialects.mysql import LONGTEXT

from connectors.mariadb.tables import source_tables
from connectors.mariadb.tables.column_types import Base, Instant, JsonArray
from schemas.changes import Unseal, plain_unseal
from schemas.keys import RowKey, Scope
from schemas.outcomes import Reason
from schemas.row_decoders import ROW_DECODERS, BadRow
from schemas.values import Value

CHUNK_ROWS = 5_000
"""Rows read at a time: some megabytes, some tenths of a second."""

TABLES: dict[str, Table] = {name: Base.metadata.tables[name] for name in ROW_DECODERS}
assert source_tables.CAPTURED_TABLES  # the import above defines the tables

EPOCH_ARGUMENTS: tuple[ColumnElement[Any], ...] = (literal_column("MICROSECOND"), literal_column("'1970-01-01'"))

RowResult = tuple[int, Value | BadRow]
"""A row's id with its value, or with what is wrong with it."""


def decode_row_values(key: RowKey, row: Sequence[Any], unseal: Unseal = plain_unseal) -> Value:
    """The value of a row that was selected with `columns(key.table)`. Raises BadRow."""
    decoder, build = ROW_DECODERS[key.table]
    try:
        return build(_typed(decoder.type, row), lambda words: unseal(key, words))
    except msgspec.ValidationError as error:
        raise BadRow(Reason.BAD_COLUMN, f"{key.table} {key.id}: {error}") from error


def wire_columns(table: str) -> list[ColumnElement[Any]]:
    """What to select of a captured table, in the order and form that its decoder knows."""
    return [_wire_form(TABLES[table].c[name]) for name in ROW_DECODERS[table][0].type.__struct_fields__]


def read_rows(
    connection: Connection, scope: Scope, table: str, ids: Sequence[int], unseal: Unseal = plain_unseal
) -> Iterator[RowResult]:
    """Those of these rows that are there and the timekeeper's, in the order of their ids."""
    found = sorted(set(ids))
    for first in range(0, len(found), CHUNK_ROWS):
        chunk = _scope_query(scope, table).where(TABLES[table].c.id.in_(found[first : first + CHUNK_ROWS]))
        yield from _read_chunk(connection, scope, table, chunk, unseal)


def read_all_rows(
    connection: Connection, scope: Scope, table: str, unseal: Unseal = plain_unseal
) -> Iterator[RowResult]:
    """All rows of a timekeeper in the order of their ids, some at a time; under load, in a repeatable read."""
    after = 0
    while True:
        chunk = _scope_query(scope, table).where(TABLES[table].c.id > after).limit(CHUNK_ROWS)
        rows = list(_read_chunk(connection, scope, table, chunk, unseal))
        yield from rows
        if len(rows) < CHUNK_ROWS:
            return
        after = rows[-1][0]


def _scope_query(scope: Scope, table: str) -> Select[Any]:
    of = TABLES[table].c
    owned = (of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper)
    return select(*wire_columns(table)).where(*owned).order_by(of.id)


def _read_chunk(
    connection: Connection, scope: Scope, table: str, chunk: Select[Any], unseal: Unseal
) -> Iterator[RowResult]:
    for row in connection.execute(chunk).fetchall():
        key = RowKey(scope.firm, scope.timekeeper, table, row[0])
        try:
            yield key.id, decode_row_values(key, row, unseal)
        except BadRow as bad:
            yield key.id, bad


def _typed(row_type: type[Any], row: Sequence[Any]) -> Any:
    return msgspec.convert(dict(zip(row_type.__struct_fields__, row, strict=True)), row_type)


def _wire_form(column: Column[Any]) -> ColumnElement[Any]:
    """Instants as microseconds (computed by the server, which is faster than parsing dates here), JSON as text."""
    if isinstance(column.type, Instant):
        return sql.timestampdiff(*EPOCH_ARGUMENTS, column, type_=BIGINT).label(column.name)
    if isinstance(column.type, JsonArray):
        return type_coerce(column, LONGTEXT).label(column.name)
    return column
