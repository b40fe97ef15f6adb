"""Compares feedback, releases and activations in the tables with those that the worker applies."""

from collections.abc import Iterator

from processors.audit.findings import At, Finding, Kind
from schemas.ledger_snapshot import LedgerSnapshot, RowRef


def decision_findings(books: LedgerSnapshot) -> Iterator[Finding]:
    """Decisions that the worker doesn't know in their current form, and deleted ones that it still applies."""
    for name in sorted(books.decisions.keys() | books.applied.keys()):
        finding = _of(books, name)
        if finding is not None:
            yield finding


def _of(books: LedgerSnapshot, name: RowRef) -> Finding | None:
    table, id = name
    there, heeded = books.decisions.get(name), books.applied.get(name)
    state = f"{there} {heeded}"
    if name not in books.decisions:
        detail = f"the worker goes by {table} {id}, which isn't there any more"
        return Finding(Kind.DECISION_EXTRA, At.TOPIC, detail, state, row=name)
    # One that can't be used (its words, or a model that isn't here) is a dead letter, and mustn't be heeded.
    given_up = heeded is None and name in books.dead_letters
    if (there == heeded and there is not None) or given_up:
        return None
    detail = f"the worker goes by {'another value of ' if heeded else 'no '}{table} {id}"
    return Finding(Kind.DECISION_MISSED, At.TOPIC, detail, state, row=name)
