"""How much the words of two events resemble each other, without a model: a cosine in which rare words weigh more.

A word weighs as much as it is rare in its own stream. The words are those of the title; of an event without one (a line
of talk) those of the text.
"""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from processors.grouping.describe.cleaning import TEXT_CHARS, TITLE_CHARS, normal, words_of
from schemas.values import Activity

_CHUNK_ROWS = 256
"""Rows compared at once: a block of them against all before fills some megabytes."""


class NearestEarlier(msgspec.Struct, frozen=True):
    """An event, and the earlier one that is most like it, the latest of several; None where none shares a word."""

    id: int
    earlier: int | None
    similarity: float


def nearest_earlier(activities: Sequence[Activity], within_us: int) -> list[NearestEarlier]:
    """For each of these, given in the order of their starts, the most similar that started up to `within_us` before."""
    words = [_distinct_words(one) for one in activities]
    known = {word: n for n, word in enumerate(sorted(set().union(*words)))}
    seen = Counter(word for own in words for word in own)
    indices = [known[word] for own in words for word in sorted(own)]
    values = [weight for own in words for weight in _tfidf_weights(own, seen, len(words))]
    starts = np.cumsum([0, *map(len, words)])
    matrix = csr_matrix((values, indices, starts), shape=(len(words), len(known)))
    at = np.array([one.started_at for one in activities], dtype=np.int64)
    oldest = np.searchsorted(at, at - within_us)
    found = []
    for first in range(0, len(words), _CHUNK_ROWS):
        least, end = int(oldest[first]), min(first + _CHUNK_ROWS, len(words))
        alike = matrix[first:end] @ matrix[least:end].T
        for row in range(end - first):
            own = slice(alike.indptr[row], alike.indptr[row + 1])
            others, scores = alike.indices[own] + least, alike.data[own]
            found.append(_nearest_of_row(activities, first + row, others, scores, int(oldest[first + row])))
    return found


def _distinct_words(activity: Activity) -> frozenset[str]:
    title = normal(activity.words.title[:TITLE_CHARS])
    return frozenset(words_of(title or normal(activity.words.text[:TEXT_CHARS])))


def _tfidf_weights(words: frozenset[str], document_counts: Counter[str], documents: int) -> list[float]:
    weights = [math.log((1 + documents) / document_counts[word]) for word in sorted(words)]
    length = math.sqrt(math.fsum(weight * weight for weight in weights))
    return [weight / length for weight in weights]


def _nearest_of_row(
    activities: Sequence[Activity],
    row: int,
    others: np.ndarray[tuple[int], np.dtype[np.int64]],
    scores: np.ndarray[tuple[int], np.dtype[np.float64]],
    oldest: int,
) -> NearestEarlier:
    earlier = (others < row) & (others >= oldest)
    if not earlier.any():
        return NearestEarlier(activities[row].id, None, 0.0)
    # Rounded, because a sum's last digits hang on the order of the words; of equals the latest.
    others, rounded = others[earlier], np.round(scores[earlier], 9)
    best = int(others[rounded == rounded.max()].max())
    return NearestEarlier(activities[row].id, activities[best].id, float(rounded.max()))
