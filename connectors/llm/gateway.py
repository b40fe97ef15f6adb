"""The gateway: one prompt, one answer, through an OpenAI-compatible endpoint. Every attempt is recorded before it is
made, so that nothing is spent unrecorded.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx2
import msgspec
import openai
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.nap import sleep_using_event

from connectors.llm.answers import Completion, read_completion, read_within
from connectors.llm.failures import Failure, failure_of
from schemas.errors import ConfigurationError, LanguageModelError, PromptRefused

ATTEMPTS = 4
"""With pauses of some seconds this outlasts a hiccup; an outage is for the next look at what is due."""

CONNECT_S = 10.0
"""Who can't be reached by then is away: nothing was sent, so nothing is paid."""

DEFAULT_URL = "https://api.openai.com/v1"


class Destination(msgspec.Struct, frozen=True):
    """The endpoint, and the longest duration of one attempt. Printed, it hides secrets."""

    url: str
    model: str
    key: str
    timeout_s: float = 60.0

    @property
    def shown(self) -> str:
        """The URL without user, password and query, which may hold keys. Raises ConfigurationError if it is no URL."""
        try:
            return str(httpx2.URL(self.url).copy_with(userinfo=b"", query=None, fragment=None))
        except httpx2.InvalidURL:  # its text may hold a part of the password
            raise ConfigurationError(f"OPENAI_BASE_URL isn't a URL such as {DEFAULT_URL}. Correct it.") from None

    def __repr__(self) -> str:
        return f"Destination({self.shown!r}, {self.model!r}, key=********)"


class PromptRequest(msgspec.Struct, frozen=True):
    """A prompt as it is sent. Prompts with equal `idempotency_key`s count once at an endpoint that knows such keys."""

    messages: Sequence[Mapping[str, str]]
    schema_name: str
    schema: Mapping[str, Any]
    most_output_tokens: int
    idempotency_key: str


class Answer(msgspec.Struct, frozen=True):
    """The answer. `text` may be empty or cut off (`complete` false). Tokens are None if the endpoint doesn't give them.
    `call` is the recorder's name for the attempt.
    """

    call: int
    text: str
    complete: bool
    input_tokens: int | None
    output_tokens: int | None


class Recorder(Protocol):
    """Records attempts."""

    def sent(self, attempt: int) -> int:
        """Called before an attempt: reserves what it may cost and names it. Raises BudgetExceeded."""

    def failed(self, call: int, failure: Failure) -> None:
        """Called after an attempt without an answer."""


class _Again(Exception):
    """An attempt failed and may be repeated."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Gateway:
    """Calls one endpoint. `stop` ends a pause between attempts early. Threads may share it."""

    def __init__(self, to: Destination, stop: threading.Event, pause_s: float = 1.0) -> None:
        if not to.key and to.url == DEFAULT_URL:
            raise ConfigurationError(
                "Narration is switched on, but there is no key for it. Set OPENAI_API_KEY, or OPENAI_BASE_URL to a "
                "server of your own that needs none, or switch it off (--no-llm)."
            )
        self.to, self._shown = to, to.shown
        self._stop, self._pauses = stop, wait_random_exponential(multiplier=pause_s, max=20 * pause_s)

    def ask(self, asked: PromptRequest, recorder: Recorder) -> Answer:
        """Returns the answer, after as many attempts as needed and allowed.

        Raises PromptRefused if the endpoint refuses this prompt, another LanguageModelError if it keeps failing or
        refuses us, BudgetExceeded before an attempt that would cost too much.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=lambda state: self._stop.is_set() or stop_after_attempt(ATTEMPTS)(state),
            wait=self._pause,
            sleep=sleep_using_event(self._stop),
            reraise=True,
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._attempt(asked, recorder, attempt.retry_state.attempt_number)
        except _Again as last:
            raise LanguageModelError(
                f"{self.to.model} at {self._shown} gave no answer in {attempts.statistics['attempt_number']} attempts; "
                f"the last one {last.failure}"
            ) from last
        raise AssertionError("tenacity re-raises the last error")

    def _attempt(self, asked: PromptRequest, recorder: Recorder, number: int) -> Answer:
        call = recorder.sent(number)
        try:
            completion = asyncio.run(self._send(asked))
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            return self._failed(recorder, call, failure, error)
        return Answer(
            call,
            completion.text,
            completion.finish_reason == "stop",
            completion.input_tokens,
            completion.output_tokens,
        )

    async def _send(self, asked: PromptRequest) -> Completion:
        format = {"name": asked.schema_name, "strict": True, "schema": dict(asked.schema)}
        to = self.to
        # The client limits each read only: an answer that trickles in would outlive its reservation, which rests on
        # this limit. Retries are ours, because every attempt has to be recorded and paid from the budget. A redirect
        # would carry people's words to somewhere that nobody was told of.
        async with (
            asyncio.timeout(to.timeout_s),
            httpx2.AsyncClient(follow_redirects=False) as http,
            openai.AsyncOpenAI(
                api_key=to.key or "none",
                base_url=to.url,
                timeout=httpx2.Timeout(to.timeout_s, connect=min(to.timeout_s, CONNECT_S)),
                max_retries=0,
                http_client=http,
            ) as client,
        ):
            create: Any = (
                client.chat.completions.with_streaming_response.create
            )  # overloads know vendor's literals only
            async with create(
                model=to.model,
                messages=[dict(message) for message in asked.messages],
                response_format={"type": "json_schema", "json_schema": format},
                max_completion_tokens=asked.most_output_tokens,
                extra_headers={"Idempotency-Key": asked.idempotency_key},
            ) as response:
                return read_completion(await read_within(response.iter_bytes()))

    def _failed(self, recorder: Recorder, call: int, failure: Failure, error: Exception | None) -> Answer:
        recorder.failed(call, failure)
        if failure.again:
            raise _Again(failure) from error
        kind = LanguageModelError if failure.of_all else PromptRefused
        raise kind(f"{self.to.model} at {self._shown} won't answer; it {failure}") from error

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_for = error.failure.again_after_s if isinstance(error, _Again) else None
        return asked_for if asked_for is not None else self._pauses(state)
