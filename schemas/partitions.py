"""The partition of `changes` in which a timekeeper's rows are: what capture computes of firm and timekeeper.

Debezium's PartitionRouting with `partition.hash.function=murmur`: the sum of both ids' MurmurHash3 (its first 64-bit
draft, in 32 bits, with the seed 9001). A test holds it to what capture writes.
"""

from functools import lru_cache

from schemas.keys import Scope
from schemas.topics import PARTITIONS

_64, _31 = (1 << 64) - 1, (1 << 31) - 1


@lru_cache(maxsize=100_000)
def partition_of(scope: Scope) -> int:
    """The one partition in which this timekeeper's changes are in order."""
    total = (_hashed(scope.firm) + _hashed(scope.timekeeper)) & _31
    return (0 if total == _31 else total) % PARTITIONS


def _hashed(number: int) -> int:
    folded = (number ^ (number >> 32)) & 0xFFFFFFFF  # Java's hash of a long
    k = 0
    for byte in range(4):
        value = (folded >> (8 * byte)) & 0xFF
        k ^= (value - 256 if value > 127 else value) << (8 * byte)
    k = _rotated((k & _64) * 0x87C37B91114253D5 & _64, 23) * 0x4CF5AD432745937F & _64
    h1, h2 = 0x9368E53C2F6AF274 ^ 9001, 0x586DCD208F7CD3FD ^ 9001
    h1 = (h1 ^ k) + h2 & _64
    h2 = _rotated(h2, 41) + h1 & _64
    h1, h2 = h1 * 3 + 0x52DCE729 & _64, (h2 * 3 + 0x38495AB5 & _64) ^ 4
    h1 = h1 + h2 & _64
    h2 = h2 + h1 & _64
    return (_finished(h1) + _finished(h2) & _64) >> 32


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _64


def _finished(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & _64
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & _64
    return value ^ value >> 33
