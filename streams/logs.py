"""Logs as JSON lines on standard output, one shape for every program and for the libraries under it."""

import logging
import sys

import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # Without local variables: they hold people's words, and words don't belong in logs.
    structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
]


CHATTY = ("faust", "mode", "aiokafka", "alembic", "httpx2")
"""Libraries that tell each of their steps: their warnings are enough."""


def to_json(program: str) -> None:
    """Sets up logging for this process; `program` is in every line."""

    def named(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """Not by context variables: threads don't inherit those."""
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
    for library in CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
