"""Explains why a line isn't in the event form, in words for the person who wrote the file."""

import json
from typing import Any

import msgspec

from connectors.sources.text_files import text

_TEXT, _TEXTS, _IDS = "a text", "a list of texts", "a list of ids"

FIELDS: dict[str, tuple[Any, str]] = {
    "stream": (str, _TEXT),
    "id": (str | int, "a text or a whole number"),
    "at": (str | None, "a time as text"),
    "until": (str | None, "a time as text"),
    "seq": (int | float | None, "a number"),
    **{name: (str | None, _TEXT) for name in ("kind", "app", "title", "text", "url", "actor", "zone")},
    "people": (list[str] | None, _TEXTS),
    "files": (list[str] | None, _TEXTS),
    "matter_id": (int | None, "a whole number"),
    "billable": (bool | None, "true or false"),
    "excluded": (bool, "true or false"),
    "together": (list[str | int] | None, _IDS),
    "apart": (list[list[str | int]] | None, "two lists of ids"),
    "activities": (list[str | int] | None, _IDS),
    "seen": (str, _TEXT),
    "model": (str, _TEXT),
}
"""Each field's type, and what that is called."""

_FORM = "The event form has one JSON object a line, with at least stream, id and at."


class _NoNumber(ValueError):
    pass


def fault_of(where: str, raw: bytes) -> str:
    """What is wrong with a line that was refused, as the end of a sentence, and what to do. Raises SourceError where
    it isn't even text.
    """
    said = text(where, raw)
    try:
        value = json.loads(said, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no character. Write the text with errors='replace'."
    except _NoNumber as error:
        return f"has {error}, which is no number in JSON. Leave the field out."
    except RecursionError:
        return f"is nested too deeply. {_FORM}"
    except json.JSONDecodeError as error:
        return f"isn't one JSON object ({error.msg} at column {error.colno}). {_FORM}"
    except ValueError:
        return f"has a number with too many digits. {_FORM}"
    return _fault_of(value)


def _fault_of(value: Any) -> str:
    if not isinstance(value, dict):
        return f"is {_name(value)}, not an object. {_FORM}"
    for name in ("stream", "id"):
        if name not in value:
            return f"has no `{name}`. {_FORM}"
    for name in [name for name in FIELDS if name in value]:
        wanted, called = FIELDS[name]
        try:
            msgspec.convert(value[name], wanted)
        except msgspec.ValidationError:
            return f"`{name}` must be {called}, and is {_name(value[name])}. Correct it."
    return f"can't be read as an event. {_FORM}"


def _refuse(name: str) -> float:
    raise _NoNumber(name)


def _name(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list that holds something else" if value else "an empty list"
        case _:
            return "an object"
