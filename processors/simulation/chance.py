"""Draws from a seeded stream of numbers, made of nothing but `() -> [0, 1)`.

Only that one function of Python's generator is promised to give the same numbers in every version; the same seed must
give the same week on every machine.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

Uniform = Callable[[], float]
"""Gives the next number in [0, 1)."""

SeededStreams = Callable[[str], Uniform]
"""Gives the stream of numbers of a name, so that one more person doesn't change what the others do."""


class RandomDraws:
    """One stream of draws."""

    def __init__(self, uniform: Uniform) -> None:
        self._uniform = uniform

    def is_true(self, probability: float) -> bool:
        """True with that probability; never for 0, always for 1."""
        return self._uniform() < probability

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._uniform() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely as the others."""
        return choices[self.integer(0, len(choices) - 1)]

    def pick_weighted(self, choices: Sequence[tuple[float, T]]) -> T:
        """One of the choices by their weights, which are positive in sum."""
        left = self._uniform() * sum(weight for weight, _ in choices)
        for weight, choice in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][1]

    def sample(self, choices: Sequence[T], count: int) -> tuple[T, ...]:
        """That many different choices (all, if there are fewer), in a drawn order."""
        rest = list(choices)
        return tuple(rest.pop(self.integer(0, len(rest) - 1)) for _ in range(min(count, len(rest))))

    def round_at_random(self, value: float) -> int:
        """A whole number of that mean: the next below or the next above it."""
        return int(value) + self.is_true(value - int(value))
