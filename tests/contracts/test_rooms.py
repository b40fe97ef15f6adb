"""The house: folders of about twelve modules that say what lives in them, and imports without a circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.contracts.commands import CODE, ROOT
from tests.contracts.test_topology import graph

MOST = 12
FOLDERS = sorted({path.parent for path in CODE if "versions" not in path.parts})


def folder_name(folder: Path) -> str:
    return str(folder.relative_to(ROOT))


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_name)
def test_a_folder_holds_about_a_dozen_modules(folder: Path) -> None:
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST, modules


@pytest.mark.parametrize("folder", [one for one in FOLDERS if "migrations" not in one.parts], ids=folder_name)
def test_a_folder_says_what_lives_in_it(folder: Path) -> None:
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assert len(ast.get_docstring(tree) or "") > 60
    assert len(tree.body) == 1, "a package re-exports nothing: each name has one address"


def imports() -> dict[str, set[str]]:
    return {module: graph().find_modules_directly_imported_by(module) for module in graph().modules}


def test_modules_import_each_other_in_no_circle() -> None:
    order = tuple(TopologicalSorter(imports()).static_order())
    assert len(order) > 300


HOUSES = (
    "streams",
    "processors",
    "processors.billing",
    "processors.grouping",
    "connectors",
    "connectors.kafka",
    "connectors.mariadb",
    "connectors.sources",
    "connectors.stack",
)


@pytest.mark.parametrize("house", HOUSES)
def test_rooms_import_each_other_in_no_circle(house: str) -> None:
    """A room is a package inside the house, or a module that lies in none."""

    def room(module: str) -> str | None:
        inside = module.removeprefix(f"{house}.")
        return inside.split(".")[0] if inside != module else None

    rooms: dict[str, set[str]] = {}
    for importer, imported in imports().items():
        if (here := room(importer)) is not None:
            others = {there for module in imported if (there := room(module)) not in (None, here)}
            rooms.setdefault(here, set()).update(one for one in others if one)
    assert len(tuple(TopologicalSorter(rooms).static_order())) > 3


def test_a_circle_is_found_out() -> None:
    with pytest.raises(CycleError):
        tuple(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_only_the_front_of_streams_is_at_its_root() -> None:
    """The command line, the settings and the topology; everything else is a program's, or is shared and says so."""
    assert {path.stem for path in (ROOT / "streams").glob("*.py")} == {
        "__init__",
        "__main__",
        "cli",
        "settings",
        "topology",
    }
