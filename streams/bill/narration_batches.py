"""Makes prompts of due entries, and narratives of the answers. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

import msgspec
import structlog

from connectors.llm.gateway import Answer, PromptRequest
from connectors.mariadb.narration.due_entries import DueEntry, NarrativeVariant
from connectors.mariadb.narration.reservations import NarrativeResult
from processors.billing.entries.drafts import content
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


class PromptBatch(msgspec.Struct, frozen=True):
    """One call to make: a prompt and its entries. The prompt numbers the entries from 1 in this order."""

    scope: Scope
    question: Question
    entries: tuple[DueEntry, ...]


def batches_of(
    scope: Scope, matter: str, entries: Sequence[DueEntry], rows: Mapping[int, object]
) -> Iterator[PromptBatch]:
    """Yields the calls for one timekeeper's entries of one matter. `rows` are the activities' rows by id.

    Leaves out entries whose rows have changed meanwhile.
    """
    current = [entry for entry in entries if _current(entry, rows)]
    materials = [
        entry_material(n, entry.day, (one for id in entry.activities if isinstance(one := rows[id], Activity)))
        for n, entry in enumerate(current)
    ]
    for question in questions(matter, materials):
        yield PromptBatch(scope, _numbered(question), tuple(current[one.entry] for one in question.entries))


def _current(entry: DueEntry, rows: Mapping[int, object]) -> bool:
    members = [(id, content_hash(one)) for id in entry.activities if isinstance(one := rows.get(id), Activity)]
    return content(entry.day, entry.matter, members) == entry.content


def _numbered(question: Question) -> Question:
    entries = tuple(msgspec.structs.replace(one, entry=n) for n, one in enumerate(question.entries, 1))
    return msgspec.structs.replace(question, entries=entries)


def narrowed_to(batch: PromptBatch, mine: Mapping[str, int]) -> PromptBatch | None:
    """Returns the batch with only the reserved contents (`mine`: narrative ids by content), and with each content once.

    None where no content is reserved.
    """
    kept: dict[str, tuple[DueEntry, EntryMaterial]] = {}
    for entry, material in zip(batch.entries, batch.question.entries, strict=True):
        if entry.content in mine:
            kept.setdefault(entry.content, (entry, material))
    if not kept:
        return None
    question = msgspec.structs.replace(batch.question, entries=tuple(material for _, material in kept.values()))
    return PromptBatch(batch.scope, _numbered(question), tuple(entry for entry, _ in kept.values()))


def prompt_request(batch: PromptBatch, kind: NarrativeVariant, contents: Sequence[str]) -> PromptRequest:
    """Returns the request for a batch. Its idempotency key is a hash of the timekeeper, the variant and the contents.

    Without the timekeeper, an endpoint that knows keys could give one timekeeper another one's answer.
    """
    named = msgspec.json.encode((batch.scope, kind, contents))
    return PromptRequest(
        messages=batch.question.messages,
        schema_name="narratives",
        schema=SCHEMA,
        most_output_tokens=batch.question.most_output_tokens,
        idempotency_key=f"timeloom-{blake2b(named, digest_size=16).hexdigest()}",
    )


def narratives_of(answer: Answer, asked: PromptBatch, mine: Mapping[str, int]) -> list[NarrativeResult]:
    """Returns a result for each entry: its checked narrative, or None where no sentence passed the check.

    An answer that can't be decoded has no sentences.
    """
    try:
        sentences: Mapping[int, tuple[Sentence, ...]] = read_answer(answer.text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        log.warning("answer_unreadable", call=answer.call, complete=answer.complete, error=type(error).__name__)
        sentences = {}
    results = []
    for entry, material in zip(asked.entries, asked.question.entries, strict=True):
        checked = check_narrative(sentences.get(material.entry, ()), material, asked.question.matter)
        for refused in checked.refused:
            log.warning("sentence_refused", entry=entry.id, reason=refused.reason)  # `refused.why` contains words
        text = checked.text or None
        results.append(NarrativeResult(mine[entry.content], entry.id, text, msgspec.json.encode(checked).decode()))
    return results
