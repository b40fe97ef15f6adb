"""Documents that are false fail: drawings, links, commands, settings, reasons and decisions are held to the code."""

import re
import subprocess
from pathlib import Path

import pytest
from typer import TyperException

from docs.drawing import DRAWN, METRICS_PAGE, redrawn
from processors.audit.findings import Kind
from schemas.outcomes import Reason
from streams.ops.dlq.remedies import REMEDIES
from streams.settings import Settings
from tests.contracts.commands import CODE, PAGES, ROOT, Named, begins, check_make, fenced, parse, told, verbs, written

NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
RUNBOOK = ROOT / "docs" / "runbook.md"
DECISIONS = ROOT / "docs" / "decisions"

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FILE = re.compile(r"(?<![\w./])(?:[\w.-]+/)+[\w.-]+\.(?:py|md|cnf|properties|json|yml|toml|html|lock)")


def headings(page: Path) -> set[str]:
    """A page's anchors, as they are made from its headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return set(map(anchor_of, titles))


def anchor_of(title: str) -> str:
    """A heading's anchor."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", DRAWN, ids=lambda page: page.name)
def test_drawings_are_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- drawn: flow -->" in text
    assert redrawn(text) == text, f"{page.name} is stale; draw it anew: make drawing"


def test_the_page_of_metrics_is_what_the_code_lists() -> None:
    text = METRICS_PAGE.read_text(encoding="utf-8")
    assert text.count("| `timeloom_") > 20
    assert redrawn(text) == text, "docs/metrics.md is stale; draw it anew: make drawing"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_files_that_are_named_are_there(page: Path) -> None:
    """Paths from the root; what a timesheet shows isn't meant, nor what running makes."""
    text = re.sub(r"^```text\n.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for path in FILE.findall(text):
        if not path.startswith(("..", ".timeloom/")) and (ROOT / path.split("/")[0]).is_dir():
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("named", sorted(set(written()), key=str), ids=lambda named: f"{named.where}: {named.text}")
def test_commands_in_documents_are_real(named: Named) -> None:
    if named.text.startswith("make "):
        check_make(named.text)
    elif named.text != "./timeloom":
        parse(named.text)


@pytest.mark.parametrize("named", sorted(set(told()), key=str), ids=lambda named: named.where)
def test_commands_in_messages_are_real(named: Named) -> None:
    if named.text.startswith("make "):
        check_make(named.text)
    else:
        begins(named.text)


def test_headings_that_messages_name_are_there() -> None:
    named = {found for path in CODE for found in re.findall(r"\b(docs/\S+\.md)#([\w-]+)", path.read_text("utf-8"))}
    assert ("docs/runbook.md", "the-binlog-is-gone") in named
    for page, anchor in named:
        assert anchor in headings(ROOT / page), anchor


def test_a_command_that_is_not_there_is_found_out() -> None:
    with pytest.raises(LookupError):
        parse("./timeloom stack sideways")
    with pytest.raises(TyperException):
        parse("./timeloom verify --quickly")
    with pytest.raises(LookupError):
        begins("./timeloom verfy")
    with pytest.raises(LookupError):
        begins("./timeloom verify --quickly for all of it")
    with pytest.raises(LookupError):
        check_make("make tea")


def test_every_verb_of_make_prints_itself() -> None:
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert verbs() - {"check-machine"} == set(re.findall(r"^  make ([a-z-]+)", printed, re.MULTILINE))


def test_commands_of_the_readme_that_need_no_stack_run(tmp_path: Path) -> None:
    lines = [line for line in fenced((ROOT / "README.md").read_text(encoding="utf-8")) if "preview ." in line]
    assert lines
    for line in lines:
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout or done.stderr


def variables() -> set[str]:
    """Every variable that the settings read."""
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or f"TIMELOOM_{name.upper()}") for name, field in fields}


def test_the_pages_of_settings_name_every_setting_and_no_other() -> None:
    pages = (ROOT / "docs" / "settings.md", ROOT / "docs" / "servers.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"`((?:TIMELOOM|OPENAI|JAVA)_[A-Z_]+)`", text))
    assert named == variables()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_variables_that_are_named_are_read(page: Path) -> None:
    named = set(re.findall(r"\bTIMELOOM_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")))
    assert named <= variables()


@pytest.mark.parametrize("reason", Reason)
def test_the_runbook_says_of_every_reason_what_the_command_says(reason: Reason) -> None:
    assert f"\n| `{reason}` | {REMEDIES[reason]} |\n" in RUNBOOK.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", Kind)
def test_every_finding_has_a_line_in_the_runbook(kind: str) -> None:
    assert re.search(rf"^\| `{kind}` \| .{{20,}} \|$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_decision_is_listed_by_its_number_and_title() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    files = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    numbers = [int(path.name[:4]) for path in files]
    assert len(numbers) == len(set(numbers)), "a number is given once; one may be given and not be taken yet"
    for path in files:
        title = re.fullmatch(r"# (\d+\. .+)", path.read_text(encoding="utf-8").splitlines()[0])
        assert title, path.name
        assert f"[{title[1]}]({path.name})" in index
