"""Retries dead letters: resends what they are about through the normal path, and reads what became of it.

    letters ─▶ resend (the row in MariaDB, or the group on its topic) ─▶ marks ─▶ what is open now

Nothing bypasses the order: a resent row is its newest version and keeps its identity. So a retry that is killed or
repeated doubles nothing, and what wasn't resent yet keeps its letter. A mark's row never changes: instead of resending
it, the period that it left open gets another mark.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import Engine

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.dead_letter_writer import DeadLetters
from connectors.kafka.records.fenced_writer import FencedWriter, owner_of
from connectors.kafka.records.open_dead_letters import Letter, read_letters
from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.audit.resend import resend_deletes, resend_rows
from connectors.mariadb.billing.ingestion import GroupsRecord, read_known_scopes
from connectors.mariadb.billing.periods import reissue_close_mark
from schemas.keys import OriginKey, RowKey, Scope
from schemas.ledger_snapshot import RowRef
from schemas.outcomes import Reason
from schemas.topics import CHANGES, GROUPS
from streams.ops.dlq.subject import close_mark, is_mark, row_of, scope_of, why_not_resendable
from streams.shared.catch_up import wait_for_marks
from streams.shared.group_records import decode
from streams.shared.model_store import shipped_model

NOBODY = Scope(0, 0)
CHUNK_ROWS = 1_000
"""Rows said again between two marks: what is under way if this is killed, and a bound on a statement."""


class Unretried(msgspec.Struct, frozen=True):
    """A letter that is still open, and why."""

    letter: Letter
    why: str


class RetryResult(msgspec.Struct):
    """What became of the letters: resolved (`answered`), dead letters again (as they are now), or left as they were."""

    answered: list[OriginKey] = msgspec.field(default_factory=list)
    again: list[Letter] = msgspec.field(default_factory=list)
    left: list[Unretried] = msgspec.field(default_factory=list)


Resend = Callable[[Sequence[Letter], RetryResult], None]
"""Has what these letters are about said again, and notes what becomes of them."""


class Retry:
    """Resends rows as the collector's user. `within_s` is how long the pipeline may take to see a mark."""

    def __init__(self, cluster: Cluster, collector: Engine, pipeline: Engine, within_s: float) -> None:
        self._cluster, self._collector, self._pipeline = cluster, collector, pipeline
        self._within_s = within_s

    def retry(self, letters: Sequence[Letter]) -> RetryResult:
        """Retries these letters. Raises StackError if the pipeline didn't see the marks in time; the retry then goes
        on.
        """
        done = RetryResult()
        sayable: list[Letter] = []
        owners = read_known_scopes(self._pipeline, {scope for one in letters if (scope := scope_of(one)) is not None})
        for letter in letters:
            if (why := why_not_resendable(letter, owners)) is not None:
                done.left.append(Unretried(letter, why))
            else:
                sayable.append(letter)
        marks = [letter for letter in sayable if is_mark(letter)]
        others = [letter for letter in sayable if not is_mark(letter)]
        rows = [letter for letter in others if letter.origin.topic == CHANGES.name]
        # Marks last, so that a period that is closed by one has what was said again before it.
        for letters_, say in ((rows, self._resend_rows), (marks, self._resend_marks)):
            for some in _some(one for one in letters_ if one.said.reason is not Reason.BUG):
                say(some, done)
            for same in _by_error(one for one in letters_ if one.said.reason is Reason.BUG):
                self._bugs(same, done, say)
        self._workers([letter for letter in others if letter.origin.topic != CHANGES.name], done)
        return done

    def _bugs(self, same: Sequence[Letter], done: RetryResult, say: Resend) -> None:
        """Retries records on which our code failed with one error. The first goes alone: if the bug is still there,
        each of them would end the worker three times.
        """
        before = len(done.again)
        say(same[:1], done)
        if any(one.said.reason is Reason.BUG for one in done.again[before:]):
            why = f"the like of it, {shown(same[0].origin)}, failed again: the bug is still there"
            done.left += [Unretried(letter, why) for letter in same[1:]]
            return
        for some in _some(same[1:]):
            say(some, done)

    def _resend_rows(self, letters: Sequence[Letter], done: RetryResult) -> None:
        named: dict[Scope, list[RowRef]] = defaultdict(list)
        for letter in letters:
            row = row_of(letter)
            named[Scope(row.firm, row.timekeeper)].append((row.table, row.id))
        elsewhere: set[RowKey] = set()
        for scope, names in named.items():
            gone = resend_rows(self._collector, scope, names)
            others = resend_deletes(self._collector, scope, gone, shipped_model().version)
            elsewhere |= {RowKey(scope.firm, scope.timekeeper, *name) for name in others}
        wait_for_marks(self._pipeline, self._cluster, named, self._within_s)
        standing = read_letters(self._cluster).standing
        now = {row_of(one): one for one in standing.values() if one.origin.topic == CHANGES.name and one.said.row}
        unanswered = []
        for letter in letters:
            newest = now.get(row_of(letter))
            if newest is not None and newest.origin != letter.origin:
                done.again.append(newest)
            elif newest is not None and row_of(letter) in elsewhere:
                done.left.append(Unretried(letter, "its row is another timekeeper's now; discard it"))
            else:
                done.answered.append(letter.origin)
                unanswered += [letter.origin] if newest is not None else []
        # The worker took the row in, and had no memory of its letter: one from before workers answered letters.
        DeadLetters(self._cluster).answer(unanswered)

    def _resend_marks(self, letters: Sequence[Letter], done: RetryResult) -> None:
        """Gives periods that are still open another mark. Nothing waits for marks of other kinds."""
        scopes, anew = set(), {}
        for letter in letters:
            scope, mark = scope_of(letter) or NOBODY, close_mark(letter)
            scopes.add(scope)
            anew[letter.origin] = None if mark is None else reissue_close_mark(self._pipeline, scope, mark)
        wait_for_marks(self._pipeline, self._cluster, scopes, self._within_s)
        standing = read_letters(self._cluster).standing.values()
        now = {close_mark(one): one for one in standing if is_mark(one)}
        for letter in letters:
            mark = anew[letter.origin]
            if mark is not None and mark in now:
                done.again.append(now[mark])
            else:
                done.answered.append(letter.origin)
        # One whose mark failed again has that one's letter in its place.
        DeadLetters(self._cluster).answer([letter.origin for letter in letters])

    def _workers(self, letters: Sequence[Letter], done: RetryResult) -> None:
        """Fences the owners of partitions with quarantined timekeepers or bad `groups` records: after a restart they
        publish again.
        """
        waiting = self._read_results(letters, done)
        if not waiting:
            return
        for partition in {letter.origin.partition for letter in waiting}:
            FencedWriter(self._cluster, owner_of(partition))
        wait_for_marks(self._pipeline, self._cluster, {scope_of(one) or NOBODY for one in waiting}, self._within_s)
        for letter in self._read_results(waiting, done):
            aside = letter.origin.topic != GROUPS.name
            why = "grouping their work still fails" if aside else "its worker had nothing else to say; discard it"
            done.left.append(Unretried(letter, why))

    def _read_results(self, letters: Sequence[Letter], done: RetryResult) -> list[Letter]:
        """Resolves those whose key has a good record behind them on `groups`; returns those that are still open."""
        if not letters:
            return []
        good: dict[bytes, int] = {}
        partitions = sorted({letter.origin.partition for letter in letters})
        for record in read_to_end(self._cluster, GROUPS.name, partitions):
            if record.key is not None and isinstance(decode(record), GroupsRecord):
                good[record.key] = record.offset
        of_groups = [one for one in letters if one.origin.topic == GROUPS.name]
        said = [one.origin for one in of_groups if good.get(one.said.key or b"", -1) > one.origin.offset]
        DeadLetters(self._cluster).answer(said)
        standing = read_letters(self._cluster).standing
        done.answered += [one.origin for one in letters if one.origin not in standing]
        return [one for one in letters if one.origin in standing]


def shown(origin: OriginKey) -> str:
    """An origin as a person types it."""
    return f"{origin.topic}/{origin.partition}/{origin.offset}"


def _some(letters: Iterable[Letter]) -> Iterator[list[Letter]]:
    waiting = list(letters)
    for first in range(0, len(waiting), CHUNK_ROWS):
        yield waiting[first : first + CHUNK_ROWS]


def _by_error(letters: Iterable[Letter]) -> Iterator[list[Letter]]:
    """Groups letters of reason `bug` by the kind of error, which `detail` names before its first bracket."""
    kinds: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        kinds[letter.said.detail.split("(")[0]].append(letter)
    yield from kinds.values()
