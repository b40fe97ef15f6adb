"""Due entries as questions to a language model, and its answers as what stands of them. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

import msgspec
import structlog

from connectors.llm.gateway import Answer, Asked
from connectors.mariadb.narration.due_entries import DueEntry, NarrativeVariant
from connectors.mariadb.narration.reservations import NarrativeResult
from processors.billing.entries.content import content
from processors.billing.narratives.citation_checks import check_narrative
from processors.billing.narratives.prompts import (
    SCHEMA,
    EntryMaterial,
    Question,
    Sentence,
    entry_material,
    questions,
    read_answer,
)
from schemas.keys import Scope
from schemas.values import Activity, content_hash

log = structlog.get_logger("bill")


class Batch(msgspec.Struct, frozen=True):
    """One call to be made: a question and the entries that it is about, in the order of its numbers from 1."""

    scope: Scope
    question: Question
    entries: tuple[DueEntry, ...]


def batches_of(scope: Scope, matter: str, entries: Sequence[DueEntry], rows: Mapping[int, object]) -> Iterator[Batch]:
    """The calls for one timekeeper's entries of one matter; entries whose rows have changed meanwhile are left out."""
    current = [entry for entry in entries if _current(entry, rows)]
    materials = [
        entry_material(n, entry.day, (one for id in entry.activities if isinstance(one := rows[id], Activity)))
        for n, entry in enumerate(current)
    ]
    for question in questions(matter, materials):
        yield Batch(scope, _numbered(question), tuple(current[one.entry] for one in question.entries))


def _current(entry: DueEntry, rows: Mapping[int, object]) -> bool:
    members = [(id, content_hash(one)) for id in entry.activities if isinstance(one := rows.get(id), Activity)]
    return content(entry.day, entry.matter, members) == entry.content


def _numbered(question: Question) -> Question:
    entries = tuple(msgspec.structs.replace(one, entry=n) for n, one in enumerate(question.entries, 1))
    return msgspec.structs.replace(question, entries=entries)


def only(batch: Batch, mine: Mapping[str, int]) -> Batch | None:
    """The batch without entries that somebody else has reserved, and with each content once."""
    kept: dict[str, tuple[DueEntry, EntryMaterial]] = {}
    for entry, material in zip(batch.entries, batch.question.entries, strict=True):
        if entry.content in mine:
            kept.setdefault(entry.content, (entry, material))
    if not kept:
        return None
    question = msgspec.structs.replace(batch.question, entries=tuple(material for _, material in kept.values()))
    return Batch(batch.scope, _numbered(question), tuple(entry for entry, _ in kept.values()))


def as_sent(batch: Batch, kind: NarrativeVariant, contents: Sequence[str]) -> Asked:
    """The question as it is sent. Two timekeepers' questions never have one key: an endpoint that knows keys would give
    one of them the other's answer.
    """
    named = msgspec.json.encode((batch.scope, kind, contents))
    return Asked(
        messages=batch.question.messages,
        schema_name="narratives",
        schema=SCHEMA,
        most_output_tokens=batch.question.most_output_tokens,
        idempotency_key=f"timeloom-{blake2b(named, digest_size=16).hexdigest()}",
    )


def results_of(answer: Answer, asked: Batch, mine: Mapping[str, int]) -> list[NarrativeResult]:
    """What stands of the answer for each entry; an answer that can't be read leaves nothing standing."""
    try:
        said: Mapping[int, tuple[Sentence, ...]] = read_answer(answer.text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        log.warning("answer_unreadable", call=answer.call, complete=answer.complete, error=type(error).__name__)
        said = {}
    results = []
    for entry, material in zip(asked.entries, asked.question.entries, strict=True):
        checked = check_narrative(said.get(material.entry, ()), material, asked.question.matter)
        for refused in checked.refused:
            log.warning("sentence_refused", entry=entry.id, reason=refused.reason)  # `why` has words
        text = checked.text or None
        results.append(NarrativeResult(mine[entry.content], entry.id, text, msgspec.json.encode(checked).decode()))
    return results
