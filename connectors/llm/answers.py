"""Answers of an OpenAI-compatible endpoint: read within a limit, and typed, because servers differ in their form."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

MOST_BYTES = 1_000_000
"""A good answer has some ten thousand. What is longer isn't read to its end."""

MOST_TOKENS = 2**31


class Unusable(Exception):
    """An answer with status 200 that is no completion. `str()` may be logged: it has no words of the endpoint."""


class Completion(msgspec.Struct, frozen=True):
    """An answer: its text, empty if there is none; why it ended; tokens, None if they aren't given."""

    text: str
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int


class _Body(msgspec.Struct, frozen=True):
    choices: list[_Choice]
    usage: Any = None


async def read_within(chunks: AsyncIterator[bytes], most: int = MOST_BYTES) -> bytes:
    """Reads the whole answer. Raises Unusable if it is longer than the limit, without reading further."""
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > most:
            raise Unusable(f"the answer is longer than {most} bytes")
    return bytes(found)


def read_completion(body: bytes) -> Completion:
    """The first choice. Raises Unusable if the answer isn't a completion."""
    try:
        read = msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError:
        raise Unusable("the answer isn't a completion") from None  # its text may quote the answer
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Unusable(f"the answer isn't JSON: {type(error).__name__}") from None
    if not read.choices:
        raise Unusable("the answer has no choice in it")
    first, usage = read.choices[0], _usage(read.usage)
    return Completion(
        first.message.content or "",
        first.finish_reason,
        usage.prompt_tokens if usage else None,
        usage.completion_tokens if usage else None,
    )


def _usage(said: Any) -> _Usage | None:
    """The tokens used, as far as plausible: an impossible figure counts as not given."""
    try:
        usage = msgspec.convert(said, _Usage)
    except msgspec.ValidationError:
        return None
    fits = all(0 <= tokens < MOST_TOKENS for tokens in (usage.prompt_tokens, usage.completion_tokens))
    return usage if fits else None
