"""docs/glossary.md: each term has a meaning and a source, and a name that it lists as retired doesn't come back."""

import ast
import re

from tests.contracts.commands import CODE, ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ROWS = [row for row in ROW.findall(PAGE) if row[0] not in ("term", "---")]
RETIRED = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[3])}


def names() -> dict[str, str]:
    """The names of modules, packages and public classes of the code, with where each is."""
    found: dict[str, str] = {}
    for path in CODE:
        where = str(path.relative_to(ROOT))
        found |= {part: where for part in path.relative_to(ROOT).with_suffix("").parts if part != "__init__"}
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.name: where for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"}
    return found


def test_each_term_has_a_meaning_and_a_source_and_stands_once() -> None:
    terms = [row[0] for row in ROWS]
    assert len(terms) > 60
    assert len(terms) == len(set(terms))
    for term, meaning, source, _ in ROWS:
        assert meaning.endswith("."), term
        assert source.strip(), term


def test_retired_names_do_not_come_back() -> None:
    there = names()
    assert {"PartitionWorker", "micro_clusters"} <= there.keys()
    assert {name: there[name] for name in RETIRED & there.keys()} == {}
    assert len(RETIRED) > 60
