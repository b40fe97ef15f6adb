"""What every peer reads of an activity: the words of title, text, files and people's names, and when it began.

The words are weighed as by tf-idf: in proportion to how rare they are in the stream, the whole a vector of length one.
How rare they are is counted over the whole stream, later events included, which favours the peers.
"""

import math
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from processors.grouping.describe.cleaning import normal, words_of
from processors.grouping.describe.description import content_words
from schemas.values import Activity
from streams.shared.model_store import shipped_model

Vectors = npt.NDArray[np.float64]


def words_in(activity: Activity) -> list[str]:
    """The words that a peer may go by, each once and in order: of the title what an application adds is left away."""
    told = content_words(activity.words, activity.app, shipped_model().apps)
    named = words_of(normal(" ".join((activity.words.actor, *activity.words.people))))
    return list(dict.fromkeys([*told.words, *told.spelled, *named]))


def weighed(activities: Sequence[Activity]) -> csr_matrix:
    """A row of length one for each, a column for each word of the stream; a row of zeros where there is no word."""
    words = [words_in(one) for one in activities]
    seen = Counter(word for own in words for word in own)
    columns = {word: n for n, word in enumerate(seen)}
    values = [value for own in words for value in _weights(own, seen, len(words))]
    ends = np.cumsum([0, *map(len, words)])
    return csr_matrix((values, [columns[word] for own in words for word in own], ends), (len(words), len(columns)))


def hashed(activities: Sequence[Activity], dimensions: int) -> Vectors:
    """The same in few dimensions: each word adds to one of them or takes from it, by its hash; again of length one."""
    words = [words_in(one) for one in activities]
    seen = Counter(word for own in words for word in own)
    found = np.zeros((len(words), dimensions))
    for row, own in zip(found, words, strict=True):
        for word, weight in zip(own, _weights(own, seen, len(words)), strict=True):
            code = crc32(word.encode("utf-8", "surrogatepass"))
            row[code % dimensions] += weight if code >> 31 else -weight
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(lengths > 0, lengths, 1)


def _weights(own: Sequence[str], seen: Counter[str], events: int) -> list[float]:
    weights = [math.log((1 + events) / seen[word]) for word in own]
    length = math.sqrt(math.fsum(weight * weight for weight in weights))
    return [weight / length for weight in weights] if length else weights


def hours(activities: Sequence[Activity]) -> Vectors:
    """When each began, in hours from the first."""
    began = np.array([one.started_at for one in activities], dtype=np.float64)
    return (began - began.min(initial=math.inf)) / 3.6e9 if len(began) else began
