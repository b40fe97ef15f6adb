"""Machine code is never taken for another source than it was made of, and nobody waits for it in the middle of work."""

import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from numba.core import config

from streams.settings import ROOT

GROUPING = ROOT / "processors" / "grouping"

WARM = """
import importlib, pkgutil
import processors.grouping
from numba.core.dispatcher import Dispatcher
from msgspec.structs import replace
from processors.grouping.batch import group_all, warm_up
from processors.grouping.model.grouping_model import ClusteringThresholds, Domain
from streams.shared.model_store import shipped_model
from tests.laws.grouping_strategies import MODEL, STRANDED, TIGHT
from tests.laws.test_grouping_micro_clusters import ROWS
from tests.title_model import BY_TITLE

def signatures():
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(
        processors.grouping.__path__, "processors.grouping.")]
    every = {id(one): one for module in modules for one in vars(module).values() if isinstance(one, Dispatcher)}
    return {(one.py_func.__name__, str(signature)) for one in every.values() for signature in one.signatures}

warm_up(shipped_model())
before = signatures()
for model in (MODEL, STRANDED, TIGHT, BY_TITLE):
    group_all(ROWS, model=model)
print(len(before), sorted(signatures() - before))
"""


def kept_in(folder: Path) -> str:
    """Where code of a copy of the sources would be kept."""
    spec = spec_from_file_location("copied", folder / "compiled.py")
    assert spec
    assert spec.loader
    module, before = module_from_spec(spec), config.CACHE_DIR
    try:
        config.CACHE_DIR = ""
        spec.loader.exec_module(module)
        return str(config.CACHE_DIR)
    finally:
        config.CACHE_DIR = before


@pytest.mark.parametrize(
    "other", ["similarity/links.py", "similarity/log_odds.py", "outcome/explanation.py", "compiled.py"]
)
def test_a_source_that_is_another_has_another_folder(tmp_path: Path, other: str) -> None:
    """Not just the function's own file: a constant from elsewhere, or the order of a tuple's fields, is in the code."""
    shutil.copytree(GROUPING, tmp_path / "grouping", ignore=shutil.ignore_patterns("__pycache__"))
    before = kept_in(tmp_path / "grouping")
    assert kept_in(tmp_path / "grouping") == before
    with (tmp_path / "grouping" / other).open("a") as source:
        source.write("\n# other\n")
    assert kept_in(tmp_path / "grouping") != before


def test_after_the_warm_up_nothing_is_left_to_compile() -> None:
    """Models of small trees, of large ones, and of several strands a group."""
    found = subprocess.run([sys.executable, "-c", WARM], cwd=ROOT, capture_output=True, text=True, check=True)
    count, left = found.stdout.split(" ", 1)
    assert int(count) > 10
    assert left.strip() == "[]"
