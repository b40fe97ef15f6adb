"""`group` with a bug of ours in it: it fails on every activity whose title says BOOM. Run as a script by the tests."""

from typing import Any

from processors.grouping.working_set import WorkingSet
from schemas.values import Activity
from streams.group import command

_apply = WorkingSet.apply


def apply(self: WorkingSet, key: Any, version: int, value: Any) -> bool:
    """Stands for code that meets what nobody foresaw."""
    if isinstance(value, Activity) and "BOOM" in value.words.title:
        raise ZeroDivisionError("nobody foresaw this")
    return _apply(self, key, version, value)


WorkingSet.apply = apply  # type: ignore[method-assign]
command.command()
