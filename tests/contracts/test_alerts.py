"""Prometheus' files are held to the metrics that there are, the services that it asks and the runbook."""

import re
from typing import Any

import pytest
import yaml

from connectors.stack.programs import ROOT, WORKERS
from schemas.topics import PARTITIONS
from streams.telemetry.metrics import METRICS
from tests.contracts.test_documents import headings

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


def test_a_metric_that_is_not_there_would_be_found_out() -> None:
    assert "timeloom_nothing_total" not in SERIES


def test_each_alert_is_there_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    (owned,) = [rule["expr"] for rule in RULES if rule["alert"] == "PartitionsWithoutOwner"]
    assert owned.endswith(f"< {PARTITIONS}")


def test_every_program_is_asked_by_its_name_and_the_rules_are_found() -> None:
    (job,) = CONFIGURATION["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert set(found["names"]) == set(WORKERS)
    assert [one["target_label"] for one in job["relabel_configs"]] == ["program"]
    assert all((FOLDER / file).exists() for file in CONFIGURATION["rule_files"])
