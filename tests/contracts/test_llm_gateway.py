"""The gateway's promises, against a real HTTP server: every attempt is recorded before it is made, retries end, and
each way of failing is known for what it is.
"""

import json
import threading
import time

import openai
import pytest

from connectors.llm.failures import Failure, failure_of
from connectors.llm.gateway import ATTEMPTS, DEFAULT_URL, Destination, Gateway, PromptRequest
from schemas.errors import BudgetExceeded, ConfigurationError, LanguageModelError, PromptRefused
from tests.llm_server import (
    Behaviour,
    LanguageModelServer,
    dropped,
    echoing,
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

pytestmark = pytest.mark.timed

QUESTION = {"matter": "", "entries": [{"entry": 1, "day": "2026-03-02", "activities": [{"id": 7, "kind": "mail"}]}]}
ASKED = PromptRequest(
    messages=[{"role": "system", "content": "Write."}, {"role": "user", "content": json.dumps(QUESTION)}],
    schema_name="narratives",
    schema={"type": "object"},
    most_output_tokens=100,
    idempotency_key="key-1",
)


class Notebook:
    """A recorder that remembers, and that has money for so many attempts."""

    def __init__(self, allowed: int = 100) -> None:
        self.allowed = allowed
        self.sent_attempts: list[int] = []
        self.failures: list[Failure] = []

    def sent(self, attempt: int) -> int:
        if len(self.sent_attempts) >= self.allowed:
            raise BudgetExceeded("no money left")
        self.sent_attempts.append(attempt)
        return len(self.sent_attempts)

    def failed(self, call: int, failure: Failure) -> None:
        assert call == len(self.sent_attempts)
        self.failures.append(failure)

    @property
    def states(self) -> list[str]:
        return [failure.state for failure in self.failures]


def gateway(server: LanguageModelServer, timeout_s: float = 5.0, stop: threading.Event | None = None) -> Gateway:
    return Gateway(Destination(server.url, "test-model", "secret", timeout_s), stop or threading.Event(), pause_s=0.01)


def test_an_answer_comes_with_what_it_used() -> None:
    notes = Notebook()
    with language_model() as server:
        answer = gateway(server).ask(ASKED, notes)
    assert json.loads(answer.text) == {
        "entries": [{"entry": 1, "sentences": [{"text": "Reviewed mail.", "cites": [7]}]}]
    }
    assert answer.complete
    assert (answer.call, answer.input_tokens) == (1, (len("Write.") + len(json.dumps(QUESTION))) // 4)
    assert notes.sent_attempts == [1]
    assert notes.failures == []


def test_the_request_is_what_an_openai_server_expects() -> None:
    with language_model() as server:
        gateway(server).ask(ASKED, Notebook())
    body, headers = server.calls[0].body, server.calls[0].headers
    assert body["model"] == "test-model"
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"] == {
        "name": "narratives",
        "strict": True,
        "schema": {"type": "object"},
    }
    assert body["max_completion_tokens"] == 100
    assert headers["authorization"] == "Bearer secret"
    assert headers["idempotency-key"] == "key-1"


@pytest.mark.parametrize(
    ("behaviour", "state", "paid"),
    [
        (limited(), "limited", False),
        (failing(500), "failed", False),
        (failing(503), "failed", False),
        (failing(409), "failed", False),
        (garbage, "garbled", None),
        (dropped, "garbled", None),
        (silent, "timed_out", None),
        (trickling, "timed_out", None),
    ],
)
def test_what_may_pass_is_tried_again(behaviour: Behaviour, state: str, paid: bool | None) -> None:
    notes = Notebook()
    with language_model(behaviour, then=good) as server:
        answer = gateway(server, timeout_s=2.0).ask(ASKED, notes)
        assert len(server.calls) == 2
    assert answer.complete
    assert notes.sent_attempts == [1, 2]
    assert notes.states == [state]
    assert notes.failures[0].paid is paid


def test_retries_end() -> None:
    notes = Notebook()
    with language_model(then=failing(500)) as server:
        with pytest.raises(LanguageModelError, match=f"no answer in {ATTEMPTS} attempts.*failed: 500"):
            gateway(server).ask(ASKED, notes)
        assert len(server.calls) == ATTEMPTS
    assert notes.states == ["failed"] * ATTEMPTS


@pytest.mark.parametrize(
    ("status", "state", "raised"),
    [
        (400, "refused", PromptRefused),
        (401, "denied", LanguageModelError),
        (403, "denied", LanguageModelError),
        (404, "denied", LanguageModelError),
        (422, "refused", PromptRefused),
    ],
)
def test_a_refusal_is_not_asked_again(status: int, state: str, raised: type[LanguageModelError]) -> None:
    """What is wrong with this question is told apart from what is wrong with key, model or address."""
    notes = Notebook()
    with language_model(failing(status)) as server:
        with pytest.raises(LanguageModelError, match=state) as refusal:
            gateway(server).ask(ASKED, notes)
        assert len(server.calls) == 1
    assert type(refusal.value) is raised
    assert notes.states == [state]
    assert notes.failures[0].status == status


def test_retry_after_is_waited_for() -> None:
    began = time.monotonic()
    with language_model(limited(after_s=1)) as server:
        gateway(server).ask(ASKED, Notebook())
    assert time.monotonic() - began >= 1


def test_a_retry_after_of_hours_is_not_waited_for() -> None:
    notes = Notebook()
    with language_model(limited(after_s=7200)) as server:
        with pytest.raises(LanguageModelError):
            gateway(server).ask(ASKED, notes)
        assert len(server.calls) == 1


def test_a_stop_ends_the_pause() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with language_model(then=limited(after_s=60)) as server, pytest.raises(LanguageModelError):
        gateway(server, stop=stop).ask(ASKED, Notebook())
    assert time.monotonic() - began < 10


def test_no_attempt_without_money_for_it() -> None:
    notes = Notebook(allowed=1)
    with language_model(then=failing(500)) as server:
        with pytest.raises(BudgetExceeded):
            gateway(server).ask(ASKED, notes)
        assert len(server.calls) == 1


@pytest.mark.parametrize(("behaviour", "complete"), [(truncated, False), (prose, True)])
def test_an_unusable_answer_is_paid_for_and_not_asked_again(behaviour: Behaviour, complete: bool) -> None:
    notes = Notebook()
    with language_model(behaviour) as server:
        answer = gateway(server).ask(ASKED, notes)
        assert len(server.calls) == 1
    assert answer.complete is complete
    assert answer.output_tokens


def test_nobody_there_costs_nothing() -> None:
    notes = Notebook()
    with language_model() as server:
        url = server.url
    to = Destination(url, "test-model", "secret", 1.0)
    with pytest.raises(LanguageModelError):
        Gateway(to, threading.Event(), pause_s=0.01).ask(ASKED, notes)
    assert notes.states == ["unreachable"] * ATTEMPTS
    assert {failure.paid for failure in notes.failures} == {False}


def test_the_default_destination_needs_a_key() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        Gateway(Destination(DEFAULT_URL, "test-model", ""), threading.Event())


def test_no_secret_is_printed() -> None:
    to = Destination("https://secret:secret@models.example:8443/v1?key=secret#secret", "test-model", "secret")
    assert to.shown == "https://models.example:8443/v1"
    assert "secret" not in repr(to)


def test_a_url_that_is_none_is_refused_without_its_text() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL") as refused:
        Gateway(Destination("http://user:secret/@models.example/v1", "test-model", "key"), threading.Event())
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 401, 409, 429, 500])
def test_what_an_endpoint_says_is_not_repeated(status: int) -> None:
    """It may quote the question, and that is people's words."""
    notes = Notebook()
    with language_model(then=echoing(status)) as server, pytest.raises(LanguageModelError) as raised:
        gateway(server).ask(ASKED, notes)
    assert str(status) in str(raised.value)
    for said in (str(raised.value), *map(repr, notes.failures)):
        assert "activities" not in said


def test_a_code_that_is_known_is_told() -> None:
    notes = Notebook()
    quota = b'{"error": {"message": "You said so much", "code": "insufficient_quota", "type": "insufficient_quota"}}'
    with language_model(lambda call: call.send(429, quota)) as server:
        with pytest.raises(LanguageModelError, match="insufficient_quota"):
            gateway(server).ask(ASKED, notes)
        assert len(server.calls) == 1
    assert [failure.error for failure in notes.failures] == ["RateLimitError insufficient_quota"]


def test_every_error_of_the_client_is_known() -> None:
    """By reflection: a release of the client with a new error must be looked at."""
    known = {
        openai.APITimeoutError,
        openai.APIConnectionError,
        openai.APIResponseValidationError,
        *_below(openai.APIStatusError),
    }
    # Raised by parts of the client that we don't use: parse(), webhooks, web sockets, sign-in, the module's own client.
    others = {
        openai.LengthFinishReasonError,
        openai.ContentFilterFinishReasonError,
        openai.InvalidWebhookSignatureError,
        openai.WebSocketConnectionClosedError,
        openai.WebSocketQueueFullError,
        openai.OAuthError,
        openai.APIError,
    }
    exported = {getattr(openai, name) for name in openai.__all__ if name.endswith("Error")}
    assert exported <= known | others | {openai.OpenAIError}
    assert failure_of(ValueError("a bug of ours")) is None


def _below(kind: type[Exception]) -> set[type[Exception]]:
    return {kind} | {below for one in kind.__subclasses__() for below in _below(one)}
