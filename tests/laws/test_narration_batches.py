"""The walls in narrating: no words of anybody in logs, and nothing in common between two timekeepers' questions."""

from datetime import date

import msgspec
from structlog.testing import capture_logs

from connectors.llm.gateway import Answer
from connectors.mariadb.narration.due_entries import DueEntry, NarrativeVariant
from processors.billing.narratives.prompts import EntryMaterial, Material, Question
from schemas.keys import Scope
from streams.bill.narration_batches import PromptBatch, narratives_of, prompt_request

DAY = date(2026, 3, 2)
SCOPE = Scope(1, 1)
QUESTION = Question("", (EntryMaterial(1, DAY, (Material(7, "mail", "Lease draft"),)),))
BATCH = PromptBatch(SCOPE, QUESTION, (DueEntry(11, SCOPE, DAY, None, "c" * 32, (7,)),))


def answer(*sentences: tuple[str, list[int]]) -> str:
    said = [{"text": text, "cites": cites} for text, cites in sentences]
    return msgspec.json.encode({"entries": [{"entry": 1, "sentences": said}]}).decode()


def logged(text: str) -> list[dict[str, object]]:
    with capture_logs() as lines:
        (result,) = narratives_of(Answer(5, text, True, None, None), BATCH, {"c" * 32: 3})
    assert result.text is None
    return [dict(line) for line in lines]


def test_a_refused_sentence_is_logged_by_its_reason_alone() -> None:
    lines = logged(answer(("Called Quux.", [7]), ("Read 98765 pages.", [7]), ("Quux.", [8]), ("Quux.", []), (" ", [7])))
    assert [line["reason"] for line in lines] == ["name", "number", "stranger", "uncited", "empty"]
    assert not [line for line in lines if "quux" in str(line).lower() or "98765" in str(line)]


def test_an_unreadable_answer_is_logged_without_its_text() -> None:
    for text in ("Quux", '{"entries": "Quux"}', '{"Quux": 1}', '{"entries": [{"entry": "Quux"}]}'):
        (line,) = logged(text)
        assert line["event"] == "answer_unreadable"
        assert "quux" not in str(line).lower()


def test_no_two_timekeepers_share_a_key_and_a_repeated_question_keeps_its_own() -> None:
    kind, contents = NarrativeVariant("narrative-1", "plain-1", "test-model"), ["c" * 32]
    scopes = [Scope(1, 1), Scope(1, 2), Scope(2, 1), Scope(1, 1)]
    keys = [prompt_request(msgspec.structs.replace(BATCH, scope=one), kind, contents).idempotency_key for one in scopes]
    assert len(set(keys)) == 3
    assert keys[0] == keys[3]
