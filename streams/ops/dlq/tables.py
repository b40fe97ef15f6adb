"""Dead letters on the screen: tables for people, one JSON object for programs."""

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connectors.kafka.records.open_dead_letters import Letter, Letters
from schemas.dead_letters import DiscardRecord
from streams.ops.dlq.remedies import REMEDIES
from streams.ops.dlq.retry import RetryResult, shown

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


def print_dead_letters(dead_letters: Sequence[Letter], discarded: int, limit: int, now_s: float, as_json: bool) -> None:
    """Prints counts by reason, then the letters, oldest first."""
    by_reason: dict[str, list[Letter]] = defaultdict(list)
    for one in dead_letters:
        by_reason[one.said.reason.value].append(one)
    if as_json:
        counts = {reason: len(some) for reason, some in sorted(by_reason.items())}
        letters = [_summary_json(one, now_s) for one in dead_letters]
        _print_json({"count": len(dead_letters), "discarded": discarded, "reasons": counts, "letters": letters})
        return
    if not dead_letters:
        print(f"no dead letter stands ({discarded} discarded)")
        return
    reasons = _table("Reason", "Letters", "Oldest")
    for reason, some in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        reasons.add_row(reason, str(len(some)), _age_text(some[0], now_s))
    letters_of = _table("Origin", "Reason", "Age", "Row", "What is wrong")
    for one in dead_letters[:limit]:
        wrong = Text(_escape_unprintable(one.said.detail))
        letters_of.add_row(shown(one.origin), one.said.reason.value, _age_text(one, now_s), _row_text(one.said), wrong)
    Console().print(reasons, "", letters_of)
    if len(dead_letters) > limit:
        print(f"and {len(dead_letters) - limit} more (--limit, or all of them: --json)")
    print("\nOne whole, with what to do about it: ./timeloom ops dlq show ORIGIN")


def print_dead_letter(dead_letter: Letter, discarded: DiscardRecord | None, now_s: float, as_json: bool) -> None:
    """Prints everything about one letter, and the record as it arrived."""
    of = dead_letter.said
    if as_json:
        whole = {"key": _text_or_base64(of.key), "value": _text_or_base64(of.value), "what_to_do": REMEDIES[of.reason]}
        given_up = None if discarded is None else msgspec.to_builtins(discarded)
        _print_json(_summary_json(dead_letter, now_s) | whole | {"discarded": given_up})
        return
    lines = [
        f"{shown(dead_letter.origin)}  {of.reason.value}  {_age_text(dead_letter, now_s)} old",
        f"row: {_row_text(of) or 'none that it still tells'}",
        f"what is wrong: {of.detail}",
        f"what to do: {REMEDIES[of.reason]}.",
    ]
    if discarded is not None:
        lines.append(f"discarded by {discarded.by}: {discarded.why}")
    lines += ["", f"key: {_readable_text(of.key)}", f"value: {_readable_text(of.value)}"]
    print("\n".join(map(_escape_unprintable, lines)))


def print_discards(letters: Letters, as_json: bool) -> None:
    """Prints who discarded what, when and why."""
    found = sorted(letters.discarded.items(), key=lambda pair: pair[1].at)
    if as_json:
        _print_json({"discarded": [{"origin": shown(origin), **msgspec.to_builtins(one)} for origin, one in found]})
        return
    table = _table("Origin", "Reason", "Row", "When", "By", "Why")
    for origin, one in found:
        table.add_row(
            shown(origin),
            one.reason.value,
            _row_text(one),
            _instant_text(one.at),
            Text(_escape_unprintable(one.by)),
            Text(_escape_unprintable(one.why)),
        )
    Console().print(table if found else "none was discarded")


def print_retry_result(result: RetryResult, as_json: bool) -> None:
    """Prints what became of the letters."""
    if as_json:
        _print_json(
            {
                "answered": [shown(origin) for origin in result.answered],
                "again": [
                    {"origin": shown(one.origin), "reason": one.said.reason, "detail": one.said.detail}
                    for one in result.again
                ],
                "left": [{"origin": shown(one.letter.origin), "why": one.why} for one in result.left],
            }
        )
        return
    print(f"{len(result.answered)} answered, {len(result.again)} are dead letters again, {len(result.left)} left")
    for one in result.again:
        print(_escape_unprintable(f"    {shown(one.origin)} {one.said.reason.value}: {one.said.detail}"))
    for left in result.left:
        print(_escape_unprintable(f"    {shown(left.letter.origin)} {left.letter.said.reason.value}: {left.why}"))


def _summary_json(letter: Letter, now_s: float) -> dict[str, Any]:
    of = letter.said
    age_s = round(max(0.0, now_s - letter.written_ms / 1000), 1)
    about = {"firm": of.firm, "timekeeper": of.timekeeper, "table": of.table, "row": of.row}
    return {"origin": shown(letter.origin), "reason": of.reason.value, "age_s": age_s, **about, "detail": of.detail}


def _row_text(of: Any) -> str:
    return f"{of.table} {of.row} of {of.firm}/{of.timekeeper}" if of.row else ""


def _age_text(letter: Letter, now_s: float) -> str:
    age_s = max(0.0, now_s - letter.written_ms / 1000)
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if age_s >= unit_s:
            return f"{age_s / unit_s:.0f} {unit}"
    return f"{age_s:.0f} s"


def _readable_text(raw: bytes | None) -> str:
    """Bytes as indented JSON if they are JSON, else as text as far as they are text."""
    if raw is None:
        return "none"
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return f"{len(raw)} bytes, no JSON\n{raw.decode(errors='backslashreplace')}"


def _escape_unprintable(text: str) -> str:
    """Replaces unprintable characters by their numbers, so that foreign text can't control the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)


def _text_or_base64(raw: bytes | None) -> dict[str, str] | None:
    """Text if the bytes are text, else base64."""
    if raw is None:
        return None
    try:
        return {"text": raw.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(raw).decode()}


def _instant_text(micros: int) -> str:
    return f"{datetime.fromtimestamp(micros // 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=heading == "Origin")
    return table


def _print_json(value: Any) -> None:
    print(msgspec.json.encode(value).decode())
