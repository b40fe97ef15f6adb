"""Texts as short vectors, whose cosine says how alike two are: of hashed n-grams of their words, or of hashed words.

Elements are whole numbers of one byte: dot products of them are exact in float32 (at most 256 * 127 * 127 < 2**24), in
whatever order they are summed, and so the same on every machine and for every batch size.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from math import isqrt
from zlib import crc32

import numpy as np
import numpy.typing as npt

from processors.grouping.model.grouping_model import Embedding

DIMENSIONS = 256
CHARS = 600
"""Most characters of a text that n-grams are made of."""

WEIGHTIEST = 4_000
"""What no word weighs more than: squares of sums over CHARS characters then stay below 2**63."""

_MOST = 127
_OF_GRAMS = 360.0  # how long a vector of many n-grams is: most elements are about 20, the few beyond _MOST are cut off
_OF_WORDS = 127.0  # of few words: a single one fills an element, and none is cut off
_SHARES = np.array([0, *(isqrt(2**20 // count) for count in range(1, 2 * CHARS))])
"""What one of so many n-grams has, in 1/1024, so that all together are as long as a word of one n-gram."""

_PRIMES = np.array([2654435761, 2246822519, 3266489917, 668265263], dtype=np.uint32)


TOGETHER = 256
"""Texts that are embedded in one go: calls are dear, and memory is bounded. No part of the result."""

Vectors = npt.NDArray[np.int8]
Weigh = Callable[[str], int]
"""How much a word says, in whole numbers of at least 0."""


def embed(texts: Sequence[str], how: Embedding, weigh: Weigh) -> Vectors:
    """The vectors of texts of normal words, a row each; all zero where a text says nothing, or has no n-gram."""
    found = np.zeros((len(texts), DIMENSIONS), dtype=np.int8)
    for begin in range(0, len(texts), TOGETHER):
        some = texts[begin : begin + TOGETHER]
        found[begin : begin + TOGETHER] = _of_grams(some, weigh) if how is Embedding.NGRAMS else _of_words(some, weigh)
    return found


def _of_grams(texts: Sequence[str], weigh: Weigh) -> Vectors:
    """Of three and four characters of a word, its ends included, which share what the word weighs."""
    split = [text[:CHARS].split() for text in texts]
    words = list(chain.from_iterable(split))
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    points = np.frombuffer(f" {'  '.join(words)} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    of = np.repeat(np.arange(len(words)), lengths + 2)
    three = points[:-2] * _PRIMES[0] + points[1:-1] * _PRIMES[1] + points[2:] * _PRIMES[2]
    four = three[:-1] + points[3:] * _PRIMES[3] + _PRIMES[0]
    whole, wholly = of[:-2] == of[2:], of[:-3] == of[3:]  # no n-gram lies in two words
    grams = np.concatenate((three[whole], four[wholly]))
    which = np.concatenate((of[:-2][whole], of[:-3][wholly]))
    shares = _weights(words, weigh) * _SHARES[2 * lengths - 1]  # so many n-grams has a word
    return _vectors(len(texts), _owners(split)[which], grams, shares[which], _OF_GRAMS)


def _of_words(texts: Sequence[str], weigh: Weigh) -> Vectors:
    """Of words, each as often as it is there, times what it weighs."""
    split = [text.split() for text in texts]
    words = list(chain.from_iterable(split))
    hashes = np.array([crc32(word.encode("utf-8", "surrogatepass")) for word in words], dtype=np.uint32)
    return _vectors(len(texts), _owners(split), hashes, _weights(words, weigh), _OF_WORDS)


def _weights(words: Sequence[str], weigh: Weigh) -> npt.NDArray[np.int64]:
    known = {word: min(weigh(word), WEIGHTIEST) for word in set(words)}
    return np.array([known[word] for word in words], dtype=np.int64)


def _owners(split: Sequence[Sequence[str]]) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(len(split)), [len(words) for words in split])


def _vectors(
    count: int,
    owners: npt.NDArray[np.int64],
    hashes: npt.NDArray[np.uint32],
    weights: npt.NDArray[np.int64],
    length: float,
) -> Vectors:
    """Each hash adds its weight to, or takes it from, one element of its owner's vector; all get one `length`."""
    mixed = (hashes ^ (hashes >> np.uint32(15))) * _PRIMES[1]
    mixed ^= mixed >> np.uint32(13)
    signed = ((mixed >> np.uint32(31)).astype(np.int64) * 2 - 1) * weights
    cells = owners * DIMENSIONS + (mixed & np.uint32(DIMENSIONS - 1))
    # Sums of whole numbers far below 2**53: exact in float64.
    counts = np.bincount(cells, weights=signed, minlength=count * DIMENSIONS)
    sums = counts.astype(np.int64).reshape(count, DIMENSIONS)
    had = np.sqrt(np.maximum((sums * sums).sum(axis=1), 1).astype(np.float64))
    vectors: Vectors = np.clip(np.rint(sums * (length / had)[:, None]), -_MOST, _MOST).astype(np.int8)
    return vectors
