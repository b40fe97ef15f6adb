"""How far a snapshot is, by what the connector keeps beside its place in the binlog.

An incremental snapshot reads a table by its ids, in chunks; the last id of the last chunk is kept as Java's own bytes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

COLLECTIONS = "incremental_snapshot_collections"
CORRELATION = "incremental_snapshot_correlation_id"
REACHED = "incremental_snapshot_primary_key"
NONE_REACHED = "aced000570"
"""Java's bytes of null, kept until the first row of a table is sent; there are no digits of a number in them."""
LONG_DIGITS = 16
"""The bytes end with the only key's value, eight bytes, in hexadecimal digits."""


class Underway(msgspec.Struct, frozen=True):
    """A snapshot that runs. `initial`: the one of a first start, which nobody asked for and whose place isn't told.

    `asked`: the id of the signal that asked for it. `left`: tables that are not read yet, the present one first, whose
    ids have been read up to `reached`.
    """

    initial: bool
    asked: str = ""
    left: tuple[str, ...] = ()
    reached: int = 0


def underway(offset: Mapping[str, Any]) -> Underway | None:
    """What the connector's offset says of a snapshot; None where none is under way."""
    if CORRELATION not in offset:  # an incremental one says `snapshot` too
        return Underway(initial=True) if offset.get("snapshot") else None
    collections = msgspec.json.decode(offset.get(COLLECTIONS) or "[]")
    left = tuple(one[f"{COLLECTIONS}_id"].split(".")[-1] for one in collections)
    key = offset.get(REACHED) or NONE_REACHED
    return Underway(False, offset[CORRELATION], left, 0 if key == NONE_REACHED else int(key[-LONG_DIGITS:], 16))


def passed(offset: Mapping[str, Any], transaction: str, at_s: float) -> bool:
    """Has the connector's place passed that transaction, or a row of a second that came later than `at_s`?

    `transaction`: its GTID, such as 0-7-42; empty where it isn't known. Both, since a heartbeat moves only the GTIDs of
    the place, and a database that was restored counts them from 1 again.
    """
    kept = {domain: int(number) for domain, _, number in _gtids(offset.get("gtids") or "")}
    beyond = any(kept.get(domain, 0) >= int(number) for domain, _, number in _gtids(transaction))
    return beyond or int(offset.get("ts_sec") or 0) > at_s


def _gtids(said: str) -> list[list[str]]:
    """Domain, server and number of each."""
    return [one.split("-") for one in said.split(",") if one]
