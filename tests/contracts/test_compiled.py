"""Compiled functions use functions and names of their own file only: what is kept is made anew for that file alone."""

import ast
import builtins
from pathlib import Path

import pytest

from streams.settings import ROOT

FILES = [path for path in sorted((ROOT / "processors").rglob("*.py")) if "@compiled" in path.read_text()]
FREE = {"np", "max", "min", "len", "range", "int", "enumerate"}
"""What may be used besides: numpy, and what is Python's."""


def test_there_are_some() -> None:
    assert len(FILES) > 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_compiled_functions_use_names_of_their_own_file(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        if not any(isinstance(one, ast.Name) and one.id == "compiled" for one in function.decorator_list):
            continue
        used = {
            node.id
            for statement in function.body
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        strange = (used & imported) - FREE
        assert not strange, f"{path.name}: {function.name} uses {strange}, which other files define"
        assert used & vars(builtins).keys() <= FREE
