"""Functions that are compiled: loops over arrays, a hundred times as fast as Python's.

The machine code is kept beside the source and made anew where that file is other than before, but not where one is that
it takes something from: so compiled functions use functions and names of their own file only
(`tests/contracts/test_compiled.py`), and `make install` has all of it made anew where any file of grouping is newer.
They hold no lock of Python's, so other threads go on meanwhile. Decision 32 says why they are there.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy.typing as npt
from numba import njit

Slots = npt.NDArray[Any]
"""Whole numbers of 32 bits. What is read from it is of no type that mypy knows, for numba gives it one of its own."""

Integers = npt.NDArray[Any]
"""Whole numbers of 64 bits, likewise."""

Flags = npt.NDArray[Any]
"""Bytes, 0 or 1."""

Compiled = TypeVar("Compiled", bound=Callable[..., Any])


def compiled(function: Compiled) -> Compiled:
    """The same function as machine code, compiled when it is first called."""
    return cast(Compiled, njit(cache=True, nogil=True)(function))
