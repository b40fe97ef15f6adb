"""Texts as short vectors: hashed character n-grams, so that kindred spellings and compounds come out near.

Elements are whole numbers of one byte: dot products of them are exact in float32 (at most 256 * 127 * 127 < 2**24), in
whatever order they are summed, and so the same on every machine and for every batch size.
"""

import numpy as np
import numpy.typing as npt

DIMENSIONS = 256
CHARS = 600
"""Most characters of a text that are embedded."""

_SCALE = 360.0  # a typical element is then around 20; the few large ones of very short texts are clipped at 127
_PRIMES = np.array([2654435761, 2246822519, 3266489917, 668265263], dtype=np.uint32)


def embed(text: str) -> npt.NDArray[np.int8]:
    """The vector of a normal text; all zero where it has fewer than three characters."""
    points = np.frombuffer(f" {text[:CHARS]} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if len(text) < 3:
        return np.zeros(DIMENSIONS, dtype=np.int8)
    three = points[:-2] * _PRIMES[0] + points[1:-1] * _PRIMES[1] + points[2:] * _PRIMES[2]
    four = three[:-1] + points[3:] * _PRIMES[3] + _PRIMES[0]
    grams = np.concatenate((three, four))
    grams = (grams ^ (grams >> np.uint32(15))) * _PRIMES[1]
    grams ^= grams >> np.uint32(13)
    signs = (grams >> np.uint32(31)).astype(np.int64) * 2 - 1
    sums = np.bincount(grams & np.uint32(DIMENSIONS - 1), weights=signs, minlength=DIMENSIONS).astype(np.int64)
    length = float(int((sums * sums).sum())) ** 0.5
    if length == 0.0:
        return np.zeros(DIMENSIONS, dtype=np.int8)
    vector: npt.NDArray[np.int8] = np.clip(np.rint(sums * (_SCALE / length)), -127, 127).astype(np.int8)
    return vector
