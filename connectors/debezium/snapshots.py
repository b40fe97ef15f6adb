"""The progress of a snapshot, from what the connector stores in its offset.

An incremental snapshot reads a table by id, in chunks; the last id of the last chunk is stored as Java's serialised
bytes.
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
    """A snapshot in progress. `initial`: the one of a first start, which has no request and no position.

    `asked`: the id of the signal that requested it. `left`: tables that are not read yet, the current one first, whose
    ids have been read up to `reached`.
    """

    initial: bool
    asked: str = ""
    left: tuple[str, ...] = ()
    reached: int = 0


def underway(offset: Mapping[str, Any]) -> Underway | None:
    """The snapshot in the connector's offset; None if none is in progress."""
    if CORRELATION not in offset:  # an incremental one says `snapshot` too
        return Underway(initial=True) if offset.get("snapshot") else None
    collections = msgspec.json.decode(offset.get(COLLECTIONS) or "[]")
    left = tuple(one[f"{COLLECTIONS}_id"].split(".")[-1] for one in collections)
    key = offset.get(REACHED) or NONE_REACHED
    return Underway(False, offset[CORRELATION], left, 0 if key == NONE_REACHED else int(key[-LONG_DIGITS:], 16))


def passed(offset: Mapping[str, Any], transaction: str, at_s: float) -> bool:
    """Whether the connector's offset has passed that transaction, or a row of a second later than `at_s`.

    `transaction`: its GTID, such as 0-7-42; empty if unknown. Both are compared, since a heartbeat moves only the GTIDs
    of the offset, and a restored database counts them from 1 again.
    """
    kept = {domain: int(number) for domain, _, number in _gtids(offset.get("gtids") or "")}
    beyond = any(kept.get(domain, 0) >= int(number) for domain, _, number in _gtids(transaction))
    return beyond or int(offset.get("ts_sec") or 0) > at_s


def _gtids(said: str) -> list[list[str]]:
    """Domain, server and number of each."""
    return [one.split("-") for one in said.split(",") if one]
