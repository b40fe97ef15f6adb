"""What a program says of itself at /healthz and /readyz: its checks, and what to do about those that failed."""

import msgspec


class HealthCheck(msgspec.Struct, frozen=True):
    """One thing that must be so. `said` is what is; `mend` is what to do where it isn't well, else empty."""

    name: str
    well: bool
    said: str
    mend: str = ""


class Health(msgspec.Struct, frozen=True):
    """A program's answer. It is well where every check is; no words of people are in it."""

    program: str
    well: bool
    checks: tuple[HealthCheck, ...]

    @property
    def problems(self) -> str:
        """What isn't well and what to do about it, in one line; empty where all is well."""
        return " ".join(f"{check.name}: {check.said}. {check.mend}".strip() for check in self.checks if not check.well)


def encode_health(health: Health) -> bytes:
    """The body of an answer."""
    return msgspec.json.encode(health)


def decode_health(raw: bytes) -> Health:
    """Raises msgspec.DecodeError or ValidationError on what no program of ours said."""
    return msgspec.json.decode(raw, type=Health)
