"""What can go wrong at a language model's endpoint, and what that means: try again or not, paid or not.

no connection            unreachable   again   not paid
dropped, unreadable      garbled       again   not known: counts at its estimate
silence, a trickle       timed_out     again   not known
429                      limited       again   not paid   (not if the quota is used up, or Retry-After is too long)
408, 409, 5xx            failed        again   not paid   (not if Retry-After is too long)
3xx, 401 to 405, 407     denied        never   not paid   key, model or address is wrong: no question would be answered
other 4xx                refused       never   not paid   this question won't be answered; another may be

What an endpoint says is never repeated, since it may quote the question: of its text only codes that we know are kept.
"""

from collections.abc import Mapping

import httpx2
import msgspec
import openai

from connectors.llm.answers import Unusable

LONGEST_WAIT_S = 120.0
"""An endpoint that wants us to wait longer is out of order for now; the entries stay due."""


CODES = frozenset({
    "account_deactivated", "billing_hard_limit_reached", "billing_not_active", "content_filter",
    "content_policy_violation", "context_length_exceeded", "insufficient_quota", "invalid_api_key",
    "invalid_json_schema", "invalid_prompt", "invalid_request_error", "invalid_type", "missing_required_parameter",
    "model_not_found", "rate_limit_exceeded", "server_error", "unknown_parameter",
    "unsupported_country_region_territory", "unsupported_parameter", "unsupported_value",
})  # fmt: skip
"""What endpoints call what is wrong. A list, since anything else in that place may be words of the question."""

OF_THE_QUESTION = frozenset({"content_filter", "content_policy_violation", "context_length_exceeded", "invalid_prompt"})
"""Codes that are about this question, whatever the status."""

OF_ALL = frozenset({
    "account_deactivated", "billing_hard_limit_reached", "billing_not_active", "invalid_api_key", "invalid_json_schema",
    "invalid_type", "missing_required_parameter", "model_not_found", "unknown_parameter",
    "unsupported_country_region_territory", "unsupported_parameter", "unsupported_value",
})  # fmt: skip
"""Codes that every question would get."""

DENIED = frozenset({401, 402, 403, 404, 405, 407})


class Failure(msgspec.Struct, frozen=True):
    """An attempt that brought no answer. `error` is fit for logs: no words of the endpoint's. `again_after_s` is what
    the endpoint asked for; None where it didn't. `of_all`: other questions would have failed too.
    """

    state: str
    error: str
    again: bool
    paid: bool | None
    status: int | None = None
    again_after_s: float | None = None
    of_all: bool = True

    def __str__(self) -> str:
        return f"{self.state}: {self.status or ''} {self.error}".replace("  ", " ")


def failure_of(error: Exception) -> Failure | None:
    """What an exception of the client means; None if it is no failure of the endpoint but a bug of ours."""
    if isinstance(error.__cause__, httpx2.ConnectTimeout):
        return Failure("unreachable", "no connection in time", again=True, paid=False)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return Failure("timed_out", "no answer in time", again=True, paid=None)
    if isinstance(error, openai.APIConnectionError):
        return _unconnected(error)
    if isinstance(error, openai.APIStatusError):
        return _refusal(error)
    if isinstance(error, Unusable):
        return garbled(str(error))
    if isinstance(error, httpx2.TimeoutException):
        return Failure("timed_out", "the answer broke off", again=True, paid=None)
    if isinstance(error, httpx2.HTTPError):
        return garbled(f"the answer broke off: {type(error).__name__}")
    return None


def garbled(what: str) -> Failure:
    """An answer that can't be read, but may have been charged."""
    return Failure("garbled", what, again=True, paid=None)


def _unconnected(error: openai.APIConnectionError) -> Failure:
    if isinstance(error.__cause__, httpx2.ConnectError):
        # The machine's own words: nothing has been sent, so nothing can have been quoted.
        return Failure("unreachable", f"no connection: {error.__cause__}", again=True, paid=False)
    return garbled(f"the connection broke: {type(error.__cause__ or error).__name__}")


def _refusal(error: openai.APIStatusError) -> Failure:
    status, code = error.status_code, next((code for code in (error.code, error.type) if code in CODES), "")
    text = f"{type(error).__name__} {code}".strip()
    wait = _retry_after(error.response.headers)
    patient = wait is None or wait <= LONGEST_WAIT_S
    if status == 429:
        again = error.code != "insufficient_quota" and patient
        return Failure("limited", text, again=again, paid=False, status=status, again_after_s=wait)
    if status in (408, 409) or status >= 500:
        return Failure("failed", text, again=patient, paid=False, status=status, again_after_s=wait)
    if code not in OF_THE_QUESTION and (code in OF_ALL or status in DENIED or status < 400):
        return Failure("denied", text, again=False, paid=False, status=status)
    return Failure("refused", text, again=False, paid=False, status=status, of_all=False)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None  # absent, or a date: our own pauses will do
