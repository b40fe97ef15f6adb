"""One check of a server: what was found, what is needed, and what to do if they differ."""

from schemas.checks import CheckLevel, ServerCheck


def point(
    part: str,
    what: str,
    found: str,
    wanted: str,
    right: bool,
    *,
    why: str,
    where: str,
    mend: str | tuple[str, ...],
    level: CheckLevel = CheckLevel.WRONG,
) -> ServerCheck:
    """A check. Its reason and remedy are given only if it isn't right; `level` says how bad that is."""
    if right:
        return ServerCheck(part=part, what=what, found=found, wanted=wanted)
    lines = (mend,) if isinstance(mend, str) else mend
    return ServerCheck(part=part, what=what, found=found, wanted=wanted, level=level, why=why, where=where, mend=lines)
