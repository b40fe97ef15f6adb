"""Has the entries of closed periods narrated by a language model: once for each content, within a budget, in batches.

    attach what is paid for ──▶ due entries ──▶ by timekeeper and matter ──▶ say what it will cost ──▶
    reserve ──▶ ask ──▶ check each sentence ──▶ write and attach

Nothing of this runs unless narration is switched on. It runs beside the consumer, in a thread of its own, and only ever
touches narratives: an entry that changes meanwhile keeps its own words, and is due again.
"""

import threading
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
import structlog

from connectors.llm.failures import LONGEST_WAIT_S, Failure
from connectors.llm.gateway import ATTEMPTS, Answer, Gateway
from connectors.mariadb.narration import due_entries, llm_calls, reservations
from connectors.mariadb.narration.due_entries import DueEntry, NarrativeVariant
from connectors.mariadb.narration.llm_calls import CallBudget, CallUsage
from connectors.mariadb.source.captured_rows import read_rows
from connectors.mariadb.source.directory import read_directory
from processors.billing.narratives.pricing import Price, cost, estimate
from processors.billing.narratives.prompts import GUIDELINES, PROMPT_VERSION, Question
from schemas.errors import BudgetExceeded, LanguageModelError, PromptRefused
from streams.bill import metrics
from streams.bill.narration_batches import Batch, as_sent, batches_of, only, results_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from schemas.keys import Scope

LOOK_S = 10.0
"""How often due entries are looked for without being told: reservations of others go stale, budgets are renewed."""

OUTAGE_S = (10.0, 300.0)
"""After an outage of the endpoint it is tried again ever more rarely, between these two."""

MOST_ENTRIES = 500
"""Entries read at once; a round goes on behind them until nothing is due."""

MICRO = 1_000_000

log = structlog.get_logger("bill")


class Terms(msgspec.Struct, frozen=True):
    """On what terms entries are narrated. `quiet_s`: an entry that changed less long ago may be changing still."""

    price: Price
    budget_usd: float
    quiet_s: float = 5.0
    stale_s: float | None = None


class Narrator(threading.Thread):
    """The thread. `error` is what ended it, if anything did; `stop` is then set, so that the process ends too."""

    def __init__(self, engine: "Engine", gateway: Gateway, terms: Terms, stop: threading.Event) -> None:
        super().__init__(name="narrator", daemon=True)
        self._engine, self._gateway, self._terms, self._stop_all = engine, gateway, terms, stop
        self._kind = NarrativeVariant(PROMPT_VERSION, GUIDELINES, gateway.to.model)
        # A caller that is alive has written its answer or given up by then. Twice KEEP_S: the last attempt to write may
        # begin at its end, and a reservation waits for the database too.
        alive_s = ATTEMPTS * (gateway.to.timeout_s + LONGEST_WAIT_S) + 2 * reservations.STORE_RETRY_S
        self._stale_s = alive_s if terms.stale_s is None else terms.stale_s
        self._woken = threading.Event()
        self._outage_s = 0.0
        self.error: BaseException | None = None

    def wake(self) -> None:
        """Tells it that entries may have become due."""
        self._woken.set()

    def run(self) -> None:
        """Narrates whenever there is something to narrate, until the process stops."""
        try:
            while not self._stop_all.is_set():
                self._woken.clear()
                self.narrate()
                if self._outage_s:
                    self._stop_all.wait(self._outage_s)
                elif self._woken.wait(LOOK_S):
                    self._stop_all.wait(self._terms.quiet_s)
        except BaseException as error:
            self.error = error
            self._stop_all.set()
            raise

    def narrate(self) -> int:
        """One round: everything that is due now, as far as budget and endpoint let it; returns how many entries got a
        narrative.
        """
        with self._engine.begin() as connection:
            if lost := llm_calls.mark_lost_calls(connection, self._stale_s):
                log.warning("calls_lost", calls=lost, why="their process ended; they count at their estimates")
            metrics.BUDGET_LEFT.set(
                max(0.0, self._terms.budget_usd - llm_calls.read_spent_microdollars(connection) / MICRO)
            )
        narrated = due_entries.attach_narratives(self._engine, self._kind)
        try:
            for batches in self._rounds():
                self._announce(batches)
                for batch in batches:
                    if self._stop_all.is_set():
                        return narrated
                    narrated += self._ask(batch)
        except BudgetExceeded as error:
            log.warning("budget_spent", why=str(error))
        except LanguageModelError as error:
            self._outage_s = min(max(2 * self._outage_s, OUTAGE_S[0]), OUTAGE_S[1])
            log.error("not_narrated", why=str(error), again_in_s=self._outage_s)
            return narrated
        self._outage_s = 0.0
        return narrated

    def _rounds(self) -> Iterator[list[Batch]]:
        """All that is due, some entries at a time: those that can't be narrated yet keep no others waiting."""
        after = due_entries.DUE_START
        while True:
            with self._engine.connect() as connection:
                due = due_entries.read_due_entries(
                    connection, self._kind, self._stale_s, self._terms.quiet_s, MOST_ENTRIES, after
                )
                batches = self._batches(connection, due)
            if batches:
                yield batches
            if len(due) < MOST_ENTRIES:
                return
            after = due[-1].cursor

    def _batches(self, connection: "Connection", due: Sequence[DueEntry]) -> list[Batch]:
        scopes = {entry.scope for entry in due}
        matters = {
            matter.id: f"{matter.number} {matter.name}".strip()
            for firm in {scope.firm for scope in scopes}
            for matter in read_directory(connection, firm).matters
        }
        activities = {
            scope: dict(
                read_rows(connection, scope, "activity", [a for e in due if e.scope == scope for a in e.activities])
            )
            for scope in scopes
        }
        return [
            batch
            for (scope, matter), entries in groupby(due, key=lambda entry: (entry.scope, entry.matter))
            for batch in batches_of(scope, matters.get(matter or 0, ""), list(entries), activities[scope])
        ]

    def _announce(self, batches: Sequence[Batch]) -> None:
        """Where what goes, and for how much, before it goes."""
        with self._engine.connect() as connection:
            spent = llm_calls.read_spent_microdollars(connection)
        log.info(
            "narrating",
            destination=self._gateway.to.shown,
            model=self._gateway.to.model,
            calls=len(batches),
            entries=sum(len(batch.entries) for batch in batches),
            at_most_usd=round(sum(self._spending(batch.question).estimate for batch in batches) / MICRO, 4),
            spent_in_24_hours_usd=round(spent / MICRO, 4),
            budget_usd=self._terms.budget_usd,
        )

    def _spending(self, question: Question) -> CallBudget:
        texts = (message["content"] for message in question.messages)
        most = estimate(self._terms.price, texts, question.most_output_tokens)
        return CallBudget(self._gateway.to.shown, most, round(self._terms.budget_usd * MICRO))

    def _ask(self, batch: Batch) -> int:
        """Reserves, asks, checks, writes one batch; what somebody else has reserved is left out."""
        spending = self._spending(batch.question)
        contents = list(dict.fromkeys(entry.content for entry in batch.entries))
        mine, call = reservations.reserve_narratives(
            self._engine, batch.scope, self._kind, contents, spending, self._stale_s
        )
        asked = only(batch, mine)
        if asked is None:
            return 0
        recorder = _Calls(self._engine, batch.scope, self._kind, list(mine.values()), spending, call)
        try:
            answer = self._gateway.ask(as_sent(asked, self._kind, sorted(mine)), recorder)
        except PromptRefused as error:
            log.error("not_narrated", why=str(error))
            return 0
        except LanguageModelError:
            if recorder.unpaid:
                reservations.expire_reservations(self._engine, list(mine.values()), recorder.last, self._stale_s)
            raise
        results = results_of(answer, asked, mine)
        usage = self._usage(answer)
        _count(usage)
        reservations.store_answer(self._engine, answer.call, usage, results)
        written = sum(result.text is not None for result in results)
        log.info("narrated", call=answer.call, written=written, rejected=len(results) - written, cost=usage.cost)
        return written

    def _usage(self, answer: Answer) -> CallUsage:
        state = "answered" if answer.complete else "truncated"
        if answer.input_tokens is None or answer.output_tokens is None:
            return CallUsage(state, answer.input_tokens, answer.output_tokens, None)
        used = cost(self._terms.price, answer.input_tokens, answer.output_tokens)
        return CallUsage(state, answer.input_tokens, answer.output_tokens, used)


def _count(usage: CallUsage) -> None:
    metrics.LLM_CALLS.labels(usage.state).inc()
    metrics.LLM_DOLLARS.inc((usage.cost or 0) / MICRO)
    metrics.LLM_TOKENS.labels("input").inc(usage.input_tokens or 0)
    metrics.LLM_TOKENS.labels("output").inc(usage.output_tokens or 0)


class _Calls:
    """Writes the attempts of one question down (`connectors.llm.gateway.Recorder`). The first is reserved already.

    `unpaid` as long as no attempt may have been paid; `last` is the last one's call.
    """

    def __init__(
        self,
        engine: "Engine",
        scope: "Scope",
        kind: NarrativeVariant,
        ids: Sequence[int],
        spending: CallBudget,
        first: int,
    ) -> None:
        self._engine, self._scope, self._kind = engine, scope, kind
        self._ids, self._spending = ids, spending
        self.last, self.unpaid = first, True

    def sent(self, attempt: int) -> int:
        """Before an attempt."""
        if attempt > 1:
            self.last = reservations.record_retry(
                self._engine, self._scope, self._kind, self._ids, self._spending, attempt, self.last
            )
        return self.last

    def failed(self, call: int, failure: Failure) -> None:
        """After an attempt that brought nothing."""
        log.warning("call_failed", call=call, state=failure.state, status=failure.status, error=failure.error)
        metrics.LLM_CALLS.labels(failure.state).inc()
        llm_calls.settle_failed(self._engine, call, failure.state, failure.status, failure.error, failure.paid)
        self.unpaid = self.unpaid and failure.paid is False
