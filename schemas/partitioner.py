"""The partition of `changes` in which a timekeeper's rows are: what capture computes of firm and timekeeper.

Debezium's PartitionRouting with `partition.hash.function=murmur`: the sum of both ids' MurmurHash3 (its first 64-bit
draft, in 32 bits, with the seed 9001). A test holds it to what capture writes.
"""

from functools import lru_cache

from schemas.keys import Scope
from schemas.topics import PARTITIONS

_MASK_64, _MASK_31 = (1 << 64) - 1, (1 << 31) - 1


@lru_cache(maxsize=100_000)
def partition_of(scope: Scope) -> int:
    """The one partition in which this timekeeper's changes are in order."""
    total = (_murmur3(scope.firm) + _murmur3(scope.timekeeper)) & _MASK_31
    return (0 if total == _MASK_31 else total) % PARTITIONS


def _murmur3(number: int) -> int:
    folded = (number ^ (number >> 32)) & 0xFFFFFFFF  # Java's hash of a long
    k = 0
    for byte in range(4):
        value = (folded >> (8 * byte)) & 0xFF
        k ^= (value - 256 if value > 127 else value) << (8 * byte)
    k = _rotate_left((k & _MASK_64) * 0x87C37B91114253D5 & _MASK_64, 23) * 0x4CF5AD432745937F & _MASK_64
    h1, h2 = 0x9368E53C2F6AF274 ^ 9001, 0x586DCD208F7CD3FD ^ 9001
    h1 = (h1 ^ k) + h2 & _MASK_64
    h2 = _rotate_left(h2, 41) + h1 & _MASK_64
    h1, h2 = h1 * 3 + 0x52DCE729 & _MASK_64, (h2 * 3 + 0x38495AB5 & _MASK_64) ^ 4
    h1 = h1 + h2 & _MASK_64
    h2 = h2 + h1 & _MASK_64
    return (_final_mix(h1) + _final_mix(h2) & _MASK_64) >> 32


def _rotate_left(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK_64


def _final_mix(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & _MASK_64
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & _MASK_64
    return value ^ value >> 33
