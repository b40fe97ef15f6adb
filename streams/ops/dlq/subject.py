"""What a dead letter is about: its timekeeper, its row or mark, and whether that can be resent."""

import msgspec

from connectors.kafka.records.open_dead_letters import Letter
from schemas.keys import GroupKey, MarkKey, RowKey, Scope, decode_groups_key
from schemas.topics import CHANGES, GROUPS
from schemas.values import MarkKind

RESENDABLE_TABLES = frozenset({"activity", "feedback", "release", "activation"})
MARK = "mark"


def row_of(letter: Letter) -> RowKey:
    """The row of a change; zeros and an empty table if the letter names none."""
    of = letter.said
    return RowKey(of.firm or 0, of.timekeeper or 0, of.table or "", of.row or 0)


def scope_of(letter: Letter) -> Scope | None:
    """The timekeeper: from the row of a change, or from the key of a record of `groups`."""
    if letter.origin.topic == GROUPS.name:
        key = _groups_key(letter)
        return None if key is None else Scope(key.firm, key.timekeeper)
    of = letter.said
    return Scope(of.firm, of.timekeeper) if of.firm and of.timekeeper else None


def is_mark(letter: Letter) -> bool:
    """Whether it is about a mark, on either topic."""
    on_changes = letter.origin.topic == CHANGES.name and letter.said.table == MARK
    return on_changes or isinstance(_groups_key(letter), MarkKey)


def close_mark(letter: Letter) -> int | None:
    """The id of the mark that a letter is about; None if it closes no period."""
    key = _groups_key(letter)
    if not isinstance(key, MarkKey):
        return letter.said.row
    kind, _, id = key.mark.partition(":")
    return int(id) if kind == MarkKind.CLOSE and id.isdecimal() else None


def why_not_resendable(letter: Letter, owners: set[Scope]) -> str | None:
    """Why there is nothing to resend; None if there is. `owners` are the existing timekeepers."""
    scope = scope_of(letter)
    if scope is None:
        return "it names no row that could be said again; see to who wrote it, then discard it"
    if scope not in owners:
        return f"there is no timekeeper {scope.timekeeper} in firm {scope.firm}; discard it"
    if letter.origin.topic == CHANGES.name and letter.said.table not in RESENDABLE_TABLES and not is_mark(letter):
        return f"rows of {letter.said.table} aren't said again; discard it"
    return None


def _groups_key(letter: Letter) -> GroupKey | MarkKey | None:
    """The key of a letter's record on `groups`; None if it came from elsewhere or is unreadable."""
    if letter.origin.topic != GROUPS.name:
        return None
    try:
        return decode_groups_key(letter.said.key or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
