"""Functions that are compiled: loops over arrays, a hundred times as fast as Python's.

They hold no lock of Python's, so other threads go on meanwhile. Decision 32 says why they are there.

The machine code is kept in a folder that is named by the digest of all of grouping's sources. Numba makes it anew where
the function's own file is another, but not where something is that it takes from elsewhere: a constant, or the order of
a tuple's fields, and would then read what lies beside what is meant.
"""

import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy.typing as npt
from numba import njit
from numba.core import config

Slots = npt.NDArray[Any]
"""Whole numbers of at most 32 bits. What is read from it is of no type that mypy knows: numba gives it one of its own.
"""

Integers = npt.NDArray[Any]
"""Whole numbers of 64 bits, likewise."""

Flags = npt.NDArray[Any]
"""Bytes."""

Compiled = TypeVar("Compiled", bound=Callable[..., Any])


def compiled(function: Compiled) -> Compiled:
    """The same function as machine code, compiled when it is first called, or fetched from where it is kept."""
    try:
        made = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no folder that can be written: it is compiled once a process
        made = njit(nogil=True)(function)
    return cast(Compiled, made)


def _kept_in() -> Path:
    """Beside the sources, in the folder that numba was told of, or in the user's own where the sources can't be
    written.
    """
    here = Path(__file__).parent
    digest = blake2b(b"".join(path.read_bytes() for path in sorted(here.rglob("*.py"))), digest_size=8).hexdigest()
    told: str = vars(config)["CACHE_DIR"]  # what NUMBA_CACHE_DIR says; numba makes its settings at run time
    if told:
        return Path(told) / digest
    writable = os.access(here, os.W_OK)
    return (here / "__pycache__" if writable else Path("~/.cache/timeloom").expanduser()) / f"compiled-{digest}"


vars(config)["CACHE_DIR"] = str(_kept_in())
