"""docs/tour.md is true: each file that it names is there and is reached in that order.

Two walks are run with a profiler, which records when each file is entered for the first time. What needs the real
stack (the programs around them, and the walk of an entry) is held to the imports: each file is imported, however
indirectly, by a file before it.
"""

import re
import sys
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from types import FrameType

import grimp
import pytest
from typer.testing import CliRunner

from schemas.topics import ConsumerRecord
from streams.cli import app
from tests.contracts.commands import ROOT
from tests.contracts.test_topology import graph
from tests.laws.test_partition import NUMBER, Topics, envelope, owner, row

PAGE = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
WALKS = dict(re.findall(r"<!-- walk: ([a-z ]+) -->\n(.*?)<!-- end -->", PAGE, re.DOTALL))
LINE = re.compile(r"^(\d+)\. \[([\w/.]+)\]\(\.\./([\w/.]+)\): [^\n]+$", re.MULTILINE)


def files(walk: str) -> list[str]:
    return [path for _, path, _ in LINE.findall(WALKS[walk])]


def entered(work: Callable[[], object]) -> list[str]:
    """The files of ours whose functions ran, by when each was entered for the first time."""
    found: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_flags & CO_OPTIMIZED and not code.co_name.startswith("<"):
            found.setdefault(code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return [path.removeprefix(f"{ROOT}/") for path in found if path.startswith(f"{ROOT}/")]


def reached(walk: list[str], entered: list[str]) -> list[str]:
    """The files of the walk, as far as the run enters them in the walk's order."""
    rest = iter(entered)
    return [path for path in walk if path in rest]


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_names_files_that_are_there(walk: str) -> None:
    lines = WALKS[walk].strip().splitlines()
    found = LINE.findall(WALKS[walk])
    assert [int(number) for number, _, _ in found] == list(range(1, len(lines) + 1))
    for _, shown, linked in found:
        assert shown == linked
        assert (ROOT / shown).is_file(), shown


def test_a_change_event_walks_as_the_tour_says() -> None:
    walk = files("change event")
    inside = walk[walk.index("processors/partition/partition.py") : -1]
    partition = owner(Topics())

    def batch(first: int, *activities: int) -> list[ConsumerRecord]:
        rows = [envelope("c", row(1, id, 10, 30, 0, False)) for id in activities]
        return [ConsumerRecord(NUMBER, offset, b"k", raw) for offset, raw in enumerate(rows, first)]

    partition.absorb(batch(0, 1, 2, 3))  # a timekeeper who is known already: nothing is only set up
    changes = batch(3, 4, 5)
    assert reached(inside, entered(lambda: partition.absorb(changes))) == inside


def test_a_file_walks_as_the_tour_says() -> None:
    walk = files("file")
    calendar = str(ROOT / "tests" / "golden" / "sources" / "week.ics")
    assert reached(walk, entered(lambda: CliRunner().invoke(app, ["preview", calendar]))) == walk


@pytest.mark.parametrize("walk", ["change event", "entry"])
def test_each_file_of_a_walk_is_imported_by_one_before_it(walk: str) -> None:
    """But the last of an entry: the timesheet is another program, which reads what `bill` wrote."""
    modules = [path.removesuffix(".py").replace("/", ".") for path in files(walk)]
    if walk == "entry":
        assert modules.pop() == "streams.views.timesheet"
    for number, module in enumerate(modules[1:], 1):
        assert any(imports(graph(), before, module) for before in modules[:number]), module


def imports(graph: grimp.ImportGraph, importer: str, imported: str) -> bool:
    return graph.chain_exists(importer, imported)


def test_a_walk_in_another_order_is_found_out() -> None:
    assert reached(["a", "b", "c"], ["x", "a", "b", "y", "c"]) == ["a", "b", "c"]
    assert reached(["a", "c", "b"], ["a", "b", "c"]) != ["a", "c", "b"]
    assert reached(["a", "b"], ["a"]) != ["a", "b"]
