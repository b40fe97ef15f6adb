"""Reads rows of the captured tables as the typed values that their change events give (`schemas.changes`).

A query returns a row in the form that it has in a change event, and the same decoder decodes both. So the two can't
drift apart, and the content hash is the same.
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
"""Rows that one query reads: some megabytes, some tenths of a second."""

TABLES: dict[str, Table] = {name: Base.metadata.tables[name] for name in ROW_DECODERS}
assert source_tables.CAPTURED_TABLES  # the import above defines the tables

EPOCH_ARGUMENTS: tuple[ColumnElement[Any], ...] = (literal_column("MICROSECOND"), literal_column("'1970-01-01'"))

RowResult = tuple[int, Value | BadRow]
"""A row's id with its value, or with the reason why it can't be decoded."""


def decode_row_values(key: RowKey, row: Sequence[Any], unseal: Unseal = plain_unseal) -> Value:
    """Returns the value of a row that was selected with `wire_columns(key.table)`.

    Raises BadRow where the row can't be decoded.
    """
    decoder, build = ROW_DECODERS[key.table]
    try:
        return build(_typed(decoder.type, row), lambda words: unseal(key, words))
    except msgspec.ValidationError as error:
        raise BadRow(Reason.BAD_COLUMN, f"{key.table} {key.id}: {error}") from error


def wire_columns(table: str) -> list[ColumnElement[Any]]:
    """Returns the columns to select of a captured table, in the order and form that its decoder expects."""
    return [_wire_form(TABLES[table].c[name]) for name in ROW_DECODERS[table][0].type.__struct_fields__]


def read_rows(
    connection: Connection, scope: Scope, table: str, ids: Sequence[int], unseal: Unseal = plain_unseal
) -> Iterator[RowResult]:
    """Yields those rows that exist and belong to the timekeeper, in the order of their ids."""
    found = sorted(set(ids))
    for first in range(0, len(found), CHUNK_ROWS):
        chunk = _scope_query(scope, table).where(TABLES[table].c.id.in_(found[first : first + CHUNK_ROWS]))
        yield from _read_chunk(connection, scope, table, chunk, unseal)


def read_all_rows(
    connection: Connection, scope: Scope, table: str, unseal: Unseal = plain_unseal
) -> Iterator[RowResult]:
    """Yields all rows of a timekeeper in the order of their ids, CHUNK_ROWS a query.

    While others write, the caller needs a repeatable read for all rows to be of one moment.
    """
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
    """Returns the column in its wire form: instants as microseconds, JSON as text.

    The server computes the microseconds, because that is faster than parsing dates here.
    """
    if isinstance(column.type, Instant):
        return sql.timestampdiff(*EPOCH_ARGUMENTS, column, type_=BIGINT).label(column.name)
    if isinstance(column.type, JsonArray):
        return type_coerce(column, LONGTEXT).label(column.name)
    return column
