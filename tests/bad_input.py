"""Bad inputs by name, and the page that tells of them (docs/bad-input.md). A test holds a section to its cases."""

import re
from pathlib import Path

import msgspec

PAGE = Path(__file__).parents[1] / "docs" / "bad-input.md"
NONE = "–"


class Told(msgspec.Struct, frozen=True):
    """A line of the page. `reason` is a dead letter's, or a dash."""

    where: str
    happens: str
    reason: str


def told(section: str) -> dict[str, Told]:
    """The lines of a section, by the name of the input. Fails where two have one name."""
    page = PAGE.read_text(encoding="utf-8")
    part = page.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in re.findall(r"^\|.*\|$", part, re.M)]
    names = [row[0] for row in rows[2:]]
    assert len(names) == len(set(names)), "a name twice"
    return {name: Told(where, happens, reason.strip("`")) for name, where, happens, reason in rows[2:]}
