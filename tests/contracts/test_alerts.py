"""Prometheus' files are held to the metrics that there are, the services that it asks and the runbook."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.stack.processes.programs import ROOT
from docs.drawing import METRICS, METRICS_PAGE
from schemas.checks import PROGRAMS
from schemas.topics import PARTITIONS
from tests.contracts.test_documents import anchor_of, headings

FOLDER = ROOT / "connectors" / "containers"
CONFIGURATION: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in RULES]

SERIES = {"up": {"job", "program"}} | {
    f"{metric.name}{suffix}": {*metric.labels, "le", "job", "instance", "program"}
    for metric in METRICS
    for suffix in (("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",))
}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_asks_for_what_there_is_and_says_where_it_says_what_to_do(rule: dict[str, Any]) -> None:
    asked = re.findall(r"\b(?:(?:timeloom|kafka)_\w+|up)\b", rule["expr"])
    assert asked
    assert set(asked) <= SERIES.keys()
    labels = set(re.findall(r"(\w+)=~?\"", rule["expr"]))
    labels |= {one.strip() for some in re.findall(r"by \(([^)]*)\)", rule["expr"]) for one in some.split(",")}
    assert labels <= SERIES[asked[0]]
    assert rule["annotations"]["summary"].endswith(".")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in headings(ROOT / page)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_where_an_alert_leads_it_is_spoken_of(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert f"`{rule['alert']}`" in section(ROOT / page, anchor)


def section(page: Path, anchor: str) -> str:
    """What stands under a heading, until the next of its rank."""
    parts = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (found,) = [part for part in parts if anchor_of(part.splitlines()[0]) == anchor]
    return found


def test_a_program_that_nobody_is_asked_for_is_missed() -> None:
    """Without a target there is no `up`: what isn't there is neither 0 nor less than 16."""
    (gone,) = [rule["expr"] for rule in RULES if rule["alert"] == "ProgramGone"]
    missed = re.findall(r'absent\(up\{job="timeloom", program="(\w+)"\}\)', gone)
    assert (missed, gone.count(" or ")) == (list(PROGRAMS), len(PROGRAMS) - 1)


def test_the_page_shows_a_scrape_that_the_alerts_understand() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", METRICS_PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (job,) = yaml.safe_load(shown)["scrape_configs"]
    assert job["job_name"] == CONFIGURATION["scrape_configs"][0]["job_name"]
    assert [one["labels"] for one in job["static_configs"]] == [{"program": name} for name in PROGRAMS]


def test_a_metric_that_is_not_there_would_be_found_out() -> None:
    assert "timeloom_nothing_total" not in SERIES


def test_each_alert_is_there_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    (owned,) = [rule["expr"] for rule in RULES if rule["alert"] == "PartitionsWithoutOwner"]
    assert owned.endswith(f"< {PARTITIONS}")


def test_every_program_is_asked_by_its_name_and_the_rules_are_found() -> None:
    (job,) = CONFIGURATION["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert set(found["names"]) == set(PROGRAMS)
    assert [one["target_label"] for one in job["relabel_configs"]] == ["program"]
    assert all((FOLDER / file).exists() for file in CONFIGURATION["rule_files"])
