"""Compiles functions that loop over arrays to machine code, which runs a hundred times as fast as Python.

Compiled functions don't hold Python's global lock, so other threads run meanwhile. Decision 32 gives the reasons.

The machine code is cached in a folder named by the digest of all sources of grouping. Numba recompiles a function when
its own file changes, but not when something that it imports changes, such as a constant or the order of a tuple's
fields. Without the digest it would run stale code, which reads the wrong field.
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
"""Integers of at most 32 bits. Elements are `Any` to mypy, because numba gives them a type of its own."""

Integers = npt.NDArray[Any]
"""Integers of 64 bits; elements are `Any`, likewise."""

Flags = npt.NDArray[Any]
"""Bytes."""

Compiled = TypeVar("Compiled", bound=Callable[..., Any])


def compiled(function: Compiled) -> Compiled:
    """Returns the function as machine code. It is compiled on its first call, or loaded from the cache."""
    try:
        made = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder for the cache can be written: it is compiled once a process
        made = njit(nogil=True)(function)
    return cast(Compiled, made)


def _kept_in() -> Path:
    """Returns the cache's folder: under the folder that NUMBA_CACHE_DIR names, else beside the sources, or in the
    user's cache where the sources can't be written.
    """
    here = Path(__file__).parent
    digest = blake2b(b"".join(path.read_bytes() for path in sorted(here.rglob("*.py"))), digest_size=8).hexdigest()
    # From NUMBA_CACHE_DIR. Numba defines its settings at run time, so mypy doesn't know the attribute.
    configured: str = vars(config)["CACHE_DIR"]
    if configured:
        return Path(configured) / digest
    writable = os.access(here, os.W_OK)
    return (here / "__pycache__" if writable else Path("~/.cache/timeloom").expanduser()) / f"compiled-{digest}"


vars(config)["CACHE_DIR"] = str(_kept_in())
