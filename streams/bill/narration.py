"""Generates narratives for the entries of closed periods. Each distinct content is generated once, within a budget.

    attach paid narratives ──▶ due entries ──▶ batches by timekeeper and matter ──▶ log the highest cost ──▶
    reserve ──▶ call ──▶ check each sentence ──▶ store and attach

Nothing of this runs unless narration is switched on. It runs beside the groups consumer in a thread of its own and
writes only narratives. An entry that changes meanwhile keeps its extractive narrative and is due again.
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
from streams.bill.narration_batches import PromptBatch, batches_of, narratives_of, narrowed_to, prompt_request

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from schemas.keys import Scope

POLL_S = 10.0
"""How often due entries are looked for without a signal, because reservations of other processes expire and the budget
is renewed.
"""

OUTAGE_S = (10.0, 300.0)
"""After an outage of the endpoint, the first and the longest pause before it is tried again. The pause doubles each
time.
"""

MAX_ENTRIES = 500
"""Maximum number of entries that are read at once. A round continues behind them until nothing is due."""

MICRODOLLARS = 1_000_000

log = structlog.get_logger("bill")


class NarrationTerms(msgspec.Struct, frozen=True):
    """The terms of narration: the model's price, and dollars for 24 hours.

    `quiet_s`: seconds for which an entry must not have changed, because it may still be changing. `stale_s`: seconds
    after which another process may take over a reservation; None derives it from the longest call.
    """

    price: Price
    budget_usd: float
    quiet_s: float = 5.0
    stale_s: float | None = None


class Narrator(threading.Thread):
    """The thread that generates narratives. `wake` signals that entries may be due; `stop` ends it.

    `error` is what ended it, or None. It then sets `stop`, so that the process ends too.
    """

    def __init__(self, engine: "Engine", gateway: Gateway, terms: NarrationTerms, stop: threading.Event) -> None:
        super().__init__(name="narrator", daemon=True)
        self._engine, self._gateway, self._terms, self._stop_all = engine, gateway, terms, stop
        self._kind = NarrativeVariant(PROMPT_VERSION, GUIDELINES, gateway.to.model)
        # A process that is alive has stored its answer or given up by then. STORE_RETRY_S counts twice: the last try to
        # store may begin at its end, and a reservation waits for the database, too.
        alive_s = ATTEMPTS * (gateway.to.timeout_s + LONGEST_WAIT_S) + 2 * reservations.STORE_RETRY_S
        self._stale_s = alive_s if terms.stale_s is None else terms.stale_s
        self._woken = threading.Event()
        self._outage_s = 0.0
        self.error: BaseException | None = None

    def wake(self) -> None:
        """Signals that entries may have become due."""
        self._woken.set()

    def run(self) -> None:
        """Generates narratives whenever entries are due, until `stop` is set."""
        try:
            while not self._stop_all.is_set():
                self._woken.clear()
                self.narrate()
                if self._outage_s:
                    self._stop_all.wait(self._outage_s)
                elif self._woken.wait(POLL_S):
                    self._stop_all.wait(self._terms.quiet_s)
        except BaseException as error:
            self.error = error
            self._stop_all.set()
            raise

    def narrate(self) -> int:
        """Runs one round: narrates everything that is due, as far as budget and endpoint allow.

        Returns how many entries got a narrative.
        """
        with self._engine.begin() as connection:
            if lost := llm_calls.mark_lost_calls(connection, self._stale_s):
                log.warning("calls_lost", calls=lost, why="their process ended; they count at their estimated cost")
            metrics.BUDGET_LEFT.set(
                max(0.0, self._terms.budget_usd - llm_calls.read_spent_microdollars(connection) / MICRODOLLARS)
            )
        narrated = due_entries.attach_narratives(self._engine, self._kind)
        try:
            for batches in self._rounds():
                self._announce(batches)
                for batch in batches:
                    if self._stop_all.is_set():
                        return narrated
                    narrated += self._call(batch)
        except BudgetExceeded as error:
            log.warning("budget_spent", why=str(error))
        except LanguageModelError as error:
            self._outage_s = min(max(2 * self._outage_s, OUTAGE_S[0]), OUTAGE_S[1])
            log.error("not_narrated", why=str(error), again_in_s=self._outage_s)
            return narrated
        self._outage_s = 0.0
        return narrated

    def _rounds(self) -> Iterator[list[PromptBatch]]:
        """Yields the batches of all due entries, some entries at a time. Entries that can't be narrated yet keep no
        others waiting.
        """
        after = due_entries.DUE_START
        while True:
            with self._engine.connect() as connection:
                due = due_entries.read_due_entries(
                    connection, self._kind, self._stale_s, self._terms.quiet_s, MAX_ENTRIES, after
                )
                batches = self._batches(connection, due)
            if batches:
                yield batches
            if len(due) < MAX_ENTRIES:
                return
            after = due[-1].cursor

    def _batches(self, connection: "Connection", due: Sequence[DueEntry]) -> list[PromptBatch]:
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

    def _announce(self, batches: Sequence[PromptBatch]) -> None:
        """Logs where the words are sent and the highest cost, before anything is sent."""
        with self._engine.connect() as connection:
            spent = llm_calls.read_spent_microdollars(connection)
        log.info(
            "narrating",
            destination=self._gateway.to.shown,
            model=self._gateway.to.model,
            calls=len(batches),
            entries=sum(len(batch.entries) for batch in batches),
            at_most_usd=round(sum(self._spending(batch.question).estimate for batch in batches) / MICRODOLLARS, 4),
            spent_in_24_hours_usd=round(spent / MICRODOLLARS, 4),
            budget_usd=self._terms.budget_usd,
        )

    def _spending(self, question: Question) -> CallBudget:
        texts = (message["content"] for message in question.messages)
        most = estimate(self._terms.price, texts, question.most_output_tokens)
        return CallBudget(self._gateway.to.shown, most, round(self._terms.budget_usd * MICRODOLLARS))

    def _call(self, batch: PromptBatch) -> int:
        """Reserves, calls, checks and stores one batch. Leaves out what another process has reserved.

        Returns how many narratives were written.
        """
        spending = self._spending(batch.question)
        contents = list(dict.fromkeys(entry.content for entry in batch.entries))
        mine, call = reservations.reserve_narratives(
            self._engine, batch.scope, self._kind, contents, spending, self._stale_s
        )
        asked = narrowed_to(batch, mine)
        if asked is None:
            return 0
        recorder = _Calls(self._engine, batch.scope, self._kind, list(mine.values()), spending, call)
        try:
            answer = self._gateway.ask(prompt_request(asked, self._kind, sorted(mine)), recorder)
        except PromptRefused as error:
            log.error("not_narrated", why=str(error))
            return 0
        except LanguageModelError:
            if recorder.unpaid:
                reservations.expire_reservations(self._engine, list(mine.values()), recorder.last, self._stale_s)
            raise
        results = narratives_of(answer, asked, mine)
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
    metrics.LLM_DOLLARS.inc((usage.cost or 0) / MICRODOLLARS)
    metrics.LLM_TOKENS.labels("input").inc(usage.input_tokens or 0)
    metrics.LLM_TOKENS.labels("output").inc(usage.output_tokens or 0)


class _Calls:
    """Records the attempts of one prompt (`connectors.llm.gateway.Recorder`). The first attempt is recorded already.

    `unpaid` is True as long as no attempt may have been paid. `last` is the id of the last attempt's call.
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
        """Records an attempt before it is made; returns its call's id. Raises BudgetExceeded."""
        if attempt > 1:
            self.last = reservations.record_retry(
                self._engine, self._scope, self._kind, self._ids, self._spending, attempt, self.last
            )
        return self.last

    def failed(self, call: int, failure: Failure) -> None:
        """Settles an attempt that brought no answer."""
        log.warning("call_failed", call=call, state=failure.state, status=failure.status, error=failure.error)
        metrics.LLM_CALLS.labels(failure.state).inc()
        llm_calls.settle_failed(self._engine, call, failure.state, failure.status, failure.error, failure.paid)
        self.unpaid = self.unpaid and failure.paid is False
