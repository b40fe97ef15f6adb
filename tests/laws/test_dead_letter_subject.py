"""What a retry makes of letters that name no row: a mark's, on either topic, leads to the period that it left open."""

import pytest

from connectors.kafka.records.open_dead_letters import Letter
from schemas.dead_letters import DeadLetterRecord
from schemas.keys import GroupKey, MarkKey, OriginKey, Scope, encode_key
from schemas.outcomes import Reason
from schemas.topics import CHANGES, GROUPS
from streams.ops.dlq.subject import close_mark, is_mark, scope_of, why_not_resendable

WHO = Scope(1, 2)


def said(key: bytes | None) -> Letter:
    """A letter of a record of `groups`."""
    return Letter(OriginKey(GROUPS.name, 0, 9), DeadLetterRecord(Reason.BUG, "bill failed 3 times", key, b"{}"), 0)


def changed(table: str, row: int) -> Letter:
    """A letter of a record of `changes`."""
    lettered = DeadLetterRecord(Reason.BUG, "it failed", None, b"{}", WHO.firm, WHO.timekeeper, table, row)
    return Letter(OriginKey(CHANGES.name, 0, 9), lettered, 0)


def marked(name: str) -> Letter:
    return said(encode_key(MarkKey(*WHO_IS, name)))


WHO_IS = (WHO.firm, WHO.timekeeper)


@pytest.mark.parametrize("letter", [marked("close:42"), changed("mark", 42)])
def test_a_close_mark_is_known_and_may_be_said_anew(letter: Letter) -> None:
    assert (is_mark(letter), close_mark(letter), scope_of(letter)) == (True, 42, WHO)
    assert why_not_resendable(letter, {WHO}) is None


@pytest.mark.parametrize("name", ["verify", "canary", "close:", "close:x", "42"])
def test_a_mark_of_another_kind_closes_nothing(name: str) -> None:
    assert (is_mark(marked(name)), close_mark(marked(name))) == (True, None)


@pytest.mark.parametrize("letter", [said(encode_key(GroupKey(*WHO_IS, 42))), changed("activity", 42)])
def test_what_is_no_mark_is_none(letter: Letter) -> None:
    assert not is_mark(letter)
    assert why_not_resendable(letter, {WHO}) is None


@pytest.mark.parametrize("letter", [said(None), said(b"garbage"), said(b"\xff"), changed("cadence", 1)])
def test_what_can_not_be_said_again_says_why(letter: Letter) -> None:
    assert "discard it" in (why_not_resendable(letter, {WHO}) or "")
    assert not is_mark(letter)


def test_nobody_s_letter_can_not_be_said_again() -> None:
    assert "no timekeeper 2 in firm 1" in (why_not_resendable(marked("close:42"), set()) or "")
