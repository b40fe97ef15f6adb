"""A program's log is JSON lines without anybody's words, also where it ends by an error that nobody foresaw."""

import json
import subprocess
import sys
from typing import Any

import pytest

from streams.settings import ROOT

SECRET = "Kranichsteiner"

BEGIN = """
import logging, threading, structlog
from schemas.errors import StackError
from streams.telemetry.logs import configure_json_logs, error_text
configure_json_logs("test")
log = structlog.get_logger("here")
def fail(words):
    raise ValueError(f"can't read {words}")
"""

SAYS = {
    "in a line": """
try:
    fail("Kranichsteiner")
except ValueError as error:
    log.error("failed", error=error_text(error), exc_info=error)
""",
    "as a library says it": """
try:
    fail("Kranichsteiner")
except ValueError as error:
    logging.getLogger("mode").exception("Error: %r", error)
""",
    "behind another": """
try:
    try:
        fail("Kranichsteiner")
    except ValueError as error:
        raise StackError("the broker is away") from error
except StackError as error:
    log.error("failed", error=error_text(error), exc_info=error)
""",
    "at the end": """
fail("Kranichsteiner")
""",
    "in a thread": """
thread = threading.Thread(target=fail, args=["Kranichsteiner"], name="narrator")
thread.start()
thread.join()
""",
}


def logged(script: str) -> tuple[list[dict[str, Any]], str]:
    """The lines that a process with this script logs, and what else it prints."""
    done = subprocess.run([sys.executable, "-c", BEGIN + script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("way", SAYS)
def test_an_errors_words_stay_out_and_its_way_through_the_code_does_not(way: str) -> None:
    (line,), printed = logged(SAYS[way])
    assert SECRET not in json.dumps(line) + printed
    assert line["program"] == "test"
    traces = line["exception"]
    assert "ValueError" in {trace["exc_type"] for trace in traces}
    assert any(frame["name"] == "fail" for trace in traces for frame in trace["frames"])
    assert not any("locals" in frame for trace in traces for frame in trace["frames"] if frame.get("locals"))


def test_what_a_person_can_mend_is_error_text() -> None:
    (line,), _ = logged("log.error('failed', error=error_text(StackError('the broker is away')))")
    assert line["error"] == "StackError: the broker is away"
