"""Asks a worker how it is, at the address where it tells of itself."""

import msgspec
import requests

from schemas.health import Health, decode_health

PATIENCE_S = 2
"""A worker whose database is frozen takes one second to say so."""


def ask(address: str, path: str) -> Health | None:
    """What it says at `healthz` or `readyz`; None where nobody answers, or somebody else does."""
    try:
        return decode_health(requests.get(f"{address}/{path}", timeout=PATIENCE_S).content)
    except (requests.RequestException, msgspec.MsgspecError):
        return None


def told(address: str) -> tuple[bool, str]:
    """Whether it is ready; and what it says is wrong with it and what to do, empty where all is well."""
    readiness = ask(address, "readyz")
    if readiness is None:
        return False, "it doesn't answer"
    # What is ready may still not be well.
    health = ask(address, "healthz")
    said = dict.fromkeys(one.problems for one in (health, readiness) if one is not None and one.problems)
    return readiness.well, " ".join(said)


def is_ready(address: str) -> bool:
    """True when it says that it is ready."""
    answer = ask(address, "readyz")
    return answer is not None and answer.well
