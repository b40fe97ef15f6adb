"""Logs as JSON lines on standard output, in one form for every program and for its libraries.

They contain no words of activities. An unexpected error may have some in its text, so its line has only its type and
stack; the text of a dead letter is in the letter. Our own errors are written without words.
"""

import logging
import sys
import threading
import traceback
from typing import Any

import structlog

from schemas import errors

HIDDEN_TEXT = "(not in the log: it may hold words)"
_OURS = frozenset(name for name in vars(errors) if isinstance(getattr(errors, name), type))


def error_text(error: BaseException) -> str:
    """An error as it may be logged: its type and place in the code, and its text if it is one of ours."""
    if isinstance(error, errors.TimeloomError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__


class _Trace:
    """A traceback as data: without local variables, and without the texts of foreign errors."""

    def __init__(self) -> None:
        self._transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)

    def __call__(self, exc_info: Any) -> list[dict[str, Any]]:
        traces = self._transform(exc_info)
        for one in traces:
            if one["exc_type"] not in _OURS:
                one |= {"exc_value": HIDDEN_TEXT, "exc_notes": []}
        return traces


def _without_text(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Removes an error's text that libraries put into their messages."""
    found = line.get("exc_info")
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException) and not isinstance(error, errors.TimeloomError) and str(error):
        return {**line, "event": str(line["event"]).replace(str(error), HIDDEN_TEXT)}
    return line


_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _without_text,
    structlog.processors.ExceptionRenderer(_Trace()),
]


NOISY_LOGGERS = ("faust", "mode", "aiokafka", "alembic", "httpx2")
"""Libraries that tell each of their steps: their warnings are enough."""


def configure_json_logs(program: str) -> None:
    """Sets up logging for this process; `program` is in every line."""

    def named(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """Adds the program's name. Not by context variables: threads don't inherit those."""
        return {**line, "program": program}

    bound: list[structlog.typing.Processor] = [structlog.contextvars.merge_contextvars, named, *_SHARED]
    structlog.configure(
        processors=[*bound, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=bound,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for library in NOISY_LOGGERS:
        logging.getLogger(library).setLevel(logging.WARNING)
    log = structlog.get_logger(program)
    # What ends a process or a thread is a line like any other.
    sys.excepthook = lambda kind, error, trace: log.critical(
        "crash", error=error_text(error), exc_info=(kind, error, trace)
    )
    threading.excepthook = lambda failed: log.critical(
        "thread_crashed",
        thread=failed.thread.name if failed.thread else None,
        error=failed.exc_type.__name__,
        exc_info=(failed.exc_type, failed.exc_value, failed.exc_traceback),
    )
