"""dedupe (MIT): a learned classifier of pairs of records, with learned rules of which pairs to compare at all.

It asks a person to label pairs; here the labels of other streams answer. Streams are split in two halves, and each is
grouped by what was learned on the other. A record has its words, its files, and its time in hours.
"""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any

import dedupe
import numpy as np
from dedupe.predicates import ExistsPredicate
from dedupe.variables import Set, Text
from dedupe.variables.base import FieldType

from benchmarks.peers.judging import events_of
from benchmarks.peers.texts import words_in
from processors.evaluation.comparison import Case
from processors.evaluation.rule_baselines import Grouping
from schemas.values import Activity

RECORDS = 1_000
"""So many judged events of each half are learned from, the first of each stream: learning takes their square."""

PAIRS, NEAR = 500, 50
"""So many pairs that belong together are labelled, and as many that don't; of events no more than so many apart."""

CUTS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SEED = 1
HOUR_US = 3_600_000_000

Record = dict[str, Any]


def _same_hour(hours: float) -> frozenset[str]:
    return frozenset({str(int(hours))})


def _same_day(hours: float) -> frozenset[str]:
    return frozenset({str(int(hours // 24))})


def _gap(one: float, other: float) -> float:
    return float(np.log1p(abs(one - other) * 60))


class When(FieldType):
    """A time: compared by the logarithm of the gap in minutes; records of one hour or day can be compared at all."""

    type = "When"
    _predicate_functions = (_same_hour, _same_day)

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.comparator = _gap


class Linkage:
    """The whole stream anew at each event: pairs, their probabilities, then average distances in connected parts."""

    name, again = "dedupe", True

    def __init__(self, cases: Sequence[Case]) -> None:
        """There must be two streams or more."""
        self._half = {case.stream: n % 2 for n, case in enumerate(cases)}
        self._cases = cases

    @cached_property
    def _learned(self) -> list[dedupe.Dedupe]:
        """For each half, by what is known of the other."""
        return [_learned([case for case in self._cases if self._half[case.stream] != half]) for half in (0, 1)]

    def tries(self, case: Case) -> Iterator[tuple[str, Grouping]]:
        """Pairs are compared once, and clustered with each threshold."""
        matcher = self._matcher(case.stream)
        scores = matcher.score(matcher.pairs(_records(case.activities)))
        for cut in CUTS:
            yield f"threshold {cut:g}", _grouping(case.activities, matcher.cluster(scores, cut))

    def group(self, case: Case, said: str) -> Grouping:
        """What `partition` makes of all its events."""
        return self._partition(case.stream, case.activities, float(said.split()[1]))

    def one_more(self, case: Case, before: int, said: str) -> Iterator[float]:
        """All events so far again."""
        for end in range(before + 1, len(case.activities) + 1):
            began = time.process_time()
            self._partition(case.stream, case.activities[:end], float(said.split()[1]))
            yield time.process_time() - began

    def _partition(self, stream: str, activities: Sequence[Activity], cut: float) -> Grouping:
        return _grouping(activities, self._matcher(stream).partition(_records(activities), cut))

    def _matcher(self, stream: str) -> dedupe.Dedupe:
        return self._learned[self._half.get(stream, 0)]  # of a stream beside the others, either would do


def _grouping(activities: Sequence[Activity], clusters: Iterable[tuple[Sequence[int], Any]]) -> Grouping:
    labels: list[object] = [("alone", at) for at in range(len(activities))]
    for label, (members, _) in enumerate(clusters):
        for member in members:
            labels[member] = label
    return events_of(activities, labels)


def _records(activities: Sequence[Activity], first: int = 0) -> dict[int, Record]:
    return {
        first + at: {
            "words": " ".join(words_in(one)) or None,
            "files": tuple(sorted(set(one.words.files))) or None,
            "hours": one.started_at / HOUR_US,
        }
        for at, one in enumerate(activities)
    }


def _learned(cases: Sequence[Case]) -> dedupe.Dedupe:
    """What dedupe makes of these streams' labels. Not wholly repeatable: it draws samples that can't be seeded."""
    random.seed(SEED)
    fields = [Text("words", has_missing=True), Set("files", has_missing=True), When("hours")]
    for field in fields:  # "both have words" would be a rule that compares all pairs
        field.predicates = [rule for rule in field.predicates if not isinstance(rule, ExistsPredicate)]
    matcher = dedupe.Dedupe(fields, num_cores=0, in_memory=True)
    matcher.classifier.n_jobs = 1
    records: dict[int, Record] = {}
    match: list[tuple[Record, Record]] = []
    distinct: list[tuple[Record, Record]] = []
    for case in cases:
        first = len(records)
        judged = [one for one in case.activities if one.id in case.gold][: RECORDS // len(cases)]
        own = _records(judged, first)
        gold = [case.gold[one.id] for one in judged]
        for left, right in combinations(range(len(judged)), 2):
            if right - left <= NEAR:
                (match if gold[left] == gold[right] else distinct).append((own[first + left], own[first + right]))
        records |= own
    pairs = {
        name: random.sample(every, min(PAIRS, len(every))) for name, every in (("match", match), ("distinct", distinct))
    }
    matcher.mark_pairs(pairs)  # before it prepares: afterwards it knows only the records that it drew
    matcher.prepare_training(records)
    matcher.train(recall=0.95, index_predicates=False)
    return matcher
