"""What comes of each bad answer of a language model's endpoint: recorded, paid or not, tried again with an end; the
entry keeps its own words, and the next good answer goes through. Against a real HTTP server and the real database.
"""

import gzip
import json
import socket
import struct
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, text

from connectors.llm.gateway import ATTEMPTS
from tests.bad_input import told
from tests.contracts.ledger import Books
from tests.contracts.narration_runs import BOUGHT, NINE, OWN, calls, close, narrator, texts, two_entries
from tests.llm_server import (
    Behaviour,
    Call,
    dropped,
    failing,
    garbage,
    good,
    language_model,
    limited,
    prose,
    silent,
    trickling,
    truncated,
)

pytestmark = pytest.mark.stack


@pytest.fixture
def books(collector: Engine, pipeline: Engine) -> Books:
    books = two_entries(collector, pipeline)
    close(books)
    return books


def error(status: int, code: str | None = None, **headers: str) -> Behaviour:
    """An error as endpoints tell it."""
    body = json.dumps({"error": {"message": "made to fail", "type": "test", "code": code}}).encode()
    return lambda call: call.send(status, body, **headers)


def body(raw: bytes, **headers: str) -> Behaviour:
    """Status 200 with these bytes."""
    return lambda call: call.send(200, raw, **headers)


def completion(**changed: object) -> Behaviour:
    """A completion with some of its parts replaced; the content is a good one unless it is among them."""

    def answer(call: Call) -> None:
        sent = _good_content(call)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": sent}}
        for name in ("finish_reason", "message"):
            if name in changed:
                choice[name] = changed[name]
        whole = {"id": "x", "object": "chat.completion", "created": 0, "model": "test", "choices": [choice]}
        whole |= {name: changed[name] for name in ("choices", "usage") if name in changed}
        call.send(200, json.dumps(whole).encode())

    return answer


def content(said: object, finish_reason: str = "stop") -> Behaviour:
    """A completion with this content."""
    return completion(message={"role": "assistant", "content": said}, finish_reason=finish_reason)


def _good_content(call: Call) -> str:
    entries = [
        {"entry": e["entry"], "sentences": [{"text": f"Reviewed {a['title']}.", "cites": [a["id"]]}]}
        for e in call.question["entries"]
        for a in e["activities"][:1]
    ]
    return json.dumps({"entries": entries})


def hung_up(call: Call) -> None:
    """Not a byte, and the connection is closed."""
    call.handler.close_connection = True


def reset(call: Call) -> None:
    """Half an answer, then the connection is reset."""
    call.handler.send_response(200)
    call.handler.send_header("Content-Length", "1000")
    call.handler.end_headers()
    call.handler.wfile.write(b'{"choices": [')
    call.handler.wfile.flush()
    call.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.handler.connection.close()
    call.handler.close_connection = True


def not_http(call: Call) -> None:
    """Something that speaks another protocol."""
    call.handler.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    call.handler.close_connection = True


def broken_chunks(call: Call) -> None:
    """A chunked answer whose second chunk has no length."""
    call.handler.send_response(200)
    call.handler.send_header("Transfer-Encoding", "chunked")
    call.handler.end_headers()
    call.handler.wfile.write(b'3\r\n{"c\r\nzz\r\n')
    call.handler.close_connection = True


def redirect(status: int) -> Behaviour:
    """To another server that would answer: see the test of its own."""
    return lambda call: call.send(status, b"", Location="http://127.0.0.1:1/v1/chat/completions")


UNPAID = {
    "429": (limited(), "limited"),
    "429 with Retry-After in seconds": (limited(0.01), "limited"),
    "429 with Retry-After as a date": (error(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), "limited"),
    "429 with Retry-After that is no number": (error(429, Retry_After="soon"), "limited"),
    "429 with a negative Retry-After": (error(429, Retry_After="-5"), "limited"),
    "408": (error(408), "failed"),
    "409": (error(409), "failed"),
    "500": (failing(500), "failed"),
    "500 with an empty body": (lambda call: call.send(500, b""), "failed"),
    "500 with 10 MB": (lambda call: call.send(500, b"x" * 10_000_000), "failed"),
    "502 with a page": (lambda call: call.send(502, b"<html>Bad gateway</html>"), "failed"),
    "503 with Retry-After": (error(503, Retry_After="0"), "failed"),
    "529": (error(529), "failed"),
}
"""Tried again at once, nothing paid; after an outage the next look asks again, however often that is."""

MAYBE_PAID = {
    "200 with a page": (garbage, "garbled"),
    "200 with nothing": (body(b""), "garbled"),
    "200 with bytes that aren't UTF-8": (body(b"\xff\xfe{}"), "garbled"),
    "200 with truncated JSON": (body(b'{"id": "x", "choices": [{"index": 0, "mess'), "garbled"),
    "200 with two documents": (body(b"{}{}"), "garbled"),
    "200 with null": (body(b"null"), "garbled"),
    "200 with a list": (body(b"[]"), "garbled"),
    "200 with an error in it": (body(b'{"error": {"message": "overloaded"}}'), "garbled"),
    "no choices": (completion(choices=[]), "garbled"),
    "choices are null": (completion(choices=None), "garbled"),
    "choices are text": (completion(choices="none"), "garbled"),
    "a choice is null": (completion(choices=[None]), "garbled"),
    "a choice without a message": (completion(choices=[{}]), "garbled"),
    "the message is text": (completion(message="Sure!"), "garbled"),
    "the content is a number": (content(7), "garbled"),
    "the content is a list of parts": (content([{"type": "text", "text": "Sure!"}]), "garbled"),
    "10 MB": (body(b'{"choices": [], "padding": "' + b"x" * 10_000_000 + b'"}'), "garbled"),
    "10 MB that were packed to 10 KB": (body(gzip.compress(b" " * 10_000_000), Content_Encoding="gzip"), "garbled"),
    "said to be packed, and isn't": (body(b"{}", Content_Encoding="gzip"), "garbled"),
    "half an answer, then closed": (dropped, "garbled"),
    "half an answer, then reset": (reset, "garbled"),
    "closed without a byte": (hung_up, "garbled"),
    "400,000 brackets as usage": (body(b'{"choices": [], "usage": ' + b"[" * 400_000), "garbled"),
    "broken chunks": (broken_chunks, "garbled"),
    "another protocol": (not_http, "garbled"),
    "204 without a body": (lambda call: call.send(204, b""), "garbled"),
    "silence": (silent, "timed_out"),
    "a byte now and then": (trickling, "timed_out"),
}
"""Tried again at once; counts at its estimate. Then only when the reservation is stale, and 12 times in all."""

DENIED = {
    "301": (redirect(301), "denied"),
    "302": (redirect(302), "denied"),
    "303": (redirect(303), "denied"),
    "307": (redirect(307), "denied"),
    "308": (redirect(308), "denied"),
    "401": (error(401, "invalid_api_key"), "denied"),
    "402": (error(402), "denied"),
    "403": (error(403), "denied"),
    "404 of a model": (error(404, "model_not_found"), "denied"),
    "404 of a path": (lambda call: call.send(404, b"not here"), "denied"),
    "405": (error(405), "denied"),
    "400 of a parameter that it hasn't got": (error(400, "unsupported_parameter"), "denied"),
    "429 with a quota used up": (error(429, "insufficient_quota"), "limited"),
    "429 with Retry-After of hours": (limited(7200), "limited"),
    "503 with Retry-After of hours": (error(503, Retry_After="7200"), "failed"),
}
"""Key, model, address or account: asked once a look, ever more rarely, for nothing, until somebody puts it right."""

REFUSED = {
    "400": (error(400), "refused"),
    "400 of a content filter": (error(400, "content_filter"), "refused"),
    "403 of a content filter": (error(403, "content_policy_violation"), "refused"),
    "400 of a context that is too long": (error(400, "context_length_exceeded"), "refused"),
    "413": (error(413), "refused"),
    "422": (error(422), "refused"),
}
"""This question won't be answered: asked once, then when the reservation is stale, 3 times in 24 hours. Free."""

_one_sentence = '{"entries": [{"entry": 1, "sentences": [{"text": "WORDS", "cites": []}]}]}'

REJECTED = {
    "prose": (prose, "answered"),
    "content that is null": (content(None), "answered"),
    "content that is empty": (content(""), "answered"),
    "a refusal": (completion(message={"role": "assistant", "content": None, "refusal": "I can't."}), "answered"),
    "a content filter's cut": (content(None, "content_filter"), "truncated"),
    "cut off at the length": (truncated, "truncated"),
    "content that is a list": (content("[]"), "answered"),
    "content of another shape": (content('{"narratives": ["Reviewed it."]}'), "answered"),
    "entries that are text": (content('{"entries": "Reviewed it."}'), "answered"),
    "sentences that are null": (content('{"entries": [{"entry": 1, "sentences": null}]}'), "answered"),
    "an entry that wasn't asked for": (content('{"entries": [{"entry": 99, "sentences": []}]}'), "answered"),
    "an entry's number of 30 digits": (
        content('{"entries": [{"entry": 1%s, "sentences": []}]}' % ("0" * 29)),
        "answered",
    ),
    "half a surrogate pair": (
        content('{"entries": [{"entry": 1, "sentences": [{"text": "\\ud800", "cites": []}]}]}'),
        "answered",
    ),
    "400,000 brackets": (content("[" * 400_000), "answered"),
}
"""Paid, and nothing of it stands: the entry keeps its own words for good, and the content isn't asked for again."""

STANDS = {
    "no usage": completion(),
    "usage that is text": completion(usage="much"),
    "usage without figures": completion(usage={}),
    "usage below nothing": completion(usage={"prompt_tokens": -1, "completion_tokens": -1}),
    "usage beyond all bounds": completion(usage={"prompt_tokens": 10**30, "completion_tokens": 1}),
    "no reason why it ended": completion(finish_reason=None),
    "a reason that nobody knows": completion(finish_reason="because"),
}
"""The answer is a good one: it is used, and counts at its estimate where what it cost isn't told."""


def estimates(books: Books) -> list[int]:
    return [cost for _, cost in calls(books)]


@pytest.mark.parametrize("name", UNPAID)
def test_what_costs_nothing_is_made_up_for(books: Books, name: str) -> None:
    behaviour, state = UNPAID[name]
    with language_model(*[behaviour] * ATTEMPTS) as server:
        buyer = narrator(books, server, stale_s=600.0)
        assert buyer.narrate() == 0
        assert calls(books) == [(state, 0)] * ATTEMPTS
        assert texts(books) == OWN
        assert buyer.narrate() == 2
    assert texts(books) == BOUGHT


@pytest.mark.parametrize("name", MAYBE_PAID)
def test_what_may_have_been_paid_counts_and_is_tried_again(books: Books, name: str) -> None:
    behaviour, state = MAYBE_PAID[name]
    patience_s = 3.0 if state == "timed_out" else 30.0  # what answers may take long on a busy machine
    with language_model(behaviour) as server:
        assert narrator(books, server, stale_s=600.0, timeout_s=patience_s).narrate() == 2
        assert len(server.calls) == 2
    assert [s for s, _ in calls(books)] == [state, "answered"]
    assert calls(books)[0][1] > calls(books)[1][1] > 0
    assert texts(books) == BOUGHT


@pytest.mark.parametrize("name", DENIED)
def test_what_any_question_would_meet_ends_the_round(books: Books, name: str) -> None:
    behaviour, state = DENIED[name]
    with language_model(behaviour, then=good) as server:
        buyer = narrator(books, server, stale_s=600.0)
        assert buyer.narrate() == 0
        assert calls(books) == [(state, 0)]
        assert texts(books) == OWN
        assert buyer.narrate() == 2
    assert texts(books) == BOUGHT


@pytest.mark.parametrize("name", REFUSED)
def test_a_question_that_is_refused_waits_and_keeps_no_other_waiting(books: Books, name: str) -> None:
    behaviour, state = REFUSED[name]
    books.insert(NINE + 4 * 3_600_000_000, 30, "c", words='{"title":"Opinion"}', matter=books.matters[0])
    books.say()
    with language_model(behaviour) as server:
        buyer = narrator(books, server, stale_s=600.0)
        assert buyer.narrate() == 1
        assert texts(books) == OWN | {"Reviewed Opinion.": True}
        assert buyer.narrate() == 0
        assert [s for s, _ in calls(books)] == [state, "answered"]
        assert calls(books)[0][1] == 0
        assert narrator(books, server, stale_s=0.0).narrate() == 2
    assert texts(books) == BOUGHT | {"Reviewed Opinion.": True}


@pytest.mark.parametrize("name", REJECTED)
def test_what_is_paid_and_does_not_stand_is_not_bought_again(books: Books, name: str) -> None:
    behaviour, state = REJECTED[name]
    with language_model(behaviour) as server:
        buyer = narrator(books, server, stale_s=0.0)
        assert buyer.narrate() == 0
        assert buyer.narrate() == 0
        assert len(server.calls) == 1
    assert [s for s, _ in calls(books)] == [state]
    assert texts(books) == OWN


@pytest.mark.parametrize("name", STANDS)
def test_a_good_answer_with_something_odd_beside_it_is_used(books: Books, name: str) -> None:
    with language_model(STANDS[name]) as server:
        assert narrator(books, server).narrate() == 2
        assert len(server.calls) == 1
    assert texts(books) == BOUGHT
    assert calls(books)[0][1] > 0


def test_nobody_there_costs_nothing(books: Books) -> None:
    """The connection is refused."""
    with language_model() as server:
        pass
    assert narrator(books, server).narrate() == 0
    assert calls(books) == [("unreachable", 0)] * ATTEMPTS
    with language_model() as server:
        assert narrator(books, server).narrate() == 2
    assert texts(books) == BOUGHT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_words_go_only_where_it_was_said_that_they_go(books: Books, status: int) -> None:
    """A redirect isn't followed: who switched narration on agreed to one destination."""
    with language_model() as elsewhere:
        there = f"{elsewhere.url}/chat/completions"
        with language_model(then=lambda call: call.send(status, b"", Location=there)) as server:
            assert narrator(books, server).narrate() == 0
            assert len(server.calls) == 1
        assert elsewhere.calls == []


def test_an_outage_of_a_day_is_made_up_for(books: Books) -> None:
    with language_model(*[failing(503)] * 10 * ATTEMPTS) as server:
        buyer = narrator(books, server, stale_s=600.0)
        assert [buyer.narrate() for _ in range(10)] == [0] * 10
        assert buyer.narrate() == 2
    assert texts(books) == BOUGHT


def test_what_may_have_been_paid_has_an_end(books: Books) -> None:
    with language_model(then=garbage) as server:
        buyer = narrator(books, server, stale_s=0.0)
        for _ in range(6):
            buyer.narrate()
        assert len(server.calls) == 12
    assert texts(books) == OWN


def test_a_question_that_is_always_refused_is_asked_three_times_a_day(books: Books) -> None:
    with language_model(then=error(400)) as server:
        buyer = narrator(books, server, stale_s=0.0)
        for _ in range(6):
            buyer.narrate()
        assert len(server.calls) == 3
        with books.pipeline.begin() as connection:
            connection.execute(text("UPDATE llm_call SET started_at = started_at - INTERVAL 1 DAY"))
        buyer.narrate()
        assert len(server.calls) == 4


def test_who_was_frozen_until_somebody_else_took_over_asks_no_more(books: Books) -> None:
    """It wakes up in the middle of a call that fails then: the answer is the other's to buy."""
    with language_model() as server:
        other = narrator(books, server, stale_s=0.0)

        def asleep(call: Call) -> None:
            other.narrate()
            call.send(500, b"")

        server.script.append(asleep)
        assert narrator(books, server, stale_s=600.0).narrate() == 0
        assert len(server.calls) == 2
    assert [state for state, _ in calls(books)] == ["failed", "answered"]
    assert texts(books) == BOUGHT


def test_entries_that_can_not_be_narrated_keep_no_others_waiting(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their rows have changed, and nobody says them: they stay due, before all others."""
    monkeypatch.setattr("streams.bill.narration.MAX_ENTRIES", 1)
    with books.collector.begin() as connection:
        first = connection.scalar(
            text("SELECT MIN(id) FROM activity WHERE timekeeper_id = :timekeeper"), msgspec.structs.asdict(books.scope)
        )
    books.update(first, words='{"title":"Lease draft, signed"}')
    with language_model() as server:
        assert narrator(books, server).narrate() == 1
    assert texts(books) == {"Lease draft.": False, "Reviewed Tax return.": True}


def test_the_page_of_bad_input_names_each() -> None:
    """docs/bad-input.md has a row for each, held to this list."""
    tables: list[dict[str, Any]] = [UNPAID, MAYBE_PAID, DENIED, REFUSED, REJECTED, STANDS]
    names = [name for table in tables for name in table]
    assert len(names) == len(set(names))
    assert set(told("To the model endpoint")) == {*names, "the connection is refused"}
