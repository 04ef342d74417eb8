"""What is shipped for Prometheus and Grafana is valid, and asks for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from prometheus import SHIPPED, promtool
from torneo.http.metrics import Metrics

DASHBOARDS = sorted((SHIPPED / "dashboards").glob("*.json"))
SUFFIXES = ("_bucket", "_total", "_count", "_sum")


@pytest.fixture(scope="module")
def known() -> set[str]:
    metrics = Metrics()
    metrics.answered("p", "predict", 200, 0.1)
    metrics.predicted("p", 1, "champion", 1)
    metrics.refused("p", "missing", 1)
    metrics.shadow_left_out("p")
    metrics.gauges.champion("p", 1, trouble=False)
    metrics.gauges.alerts("p", {"drift": 1})
    metrics.gauges.watchdog("p", 1.0)
    metrics.gauges.drift("p", {"a": 1.0}, ("a",), 100, ())
    return set(re.findall(r"^(torneo_\w+)", metrics.text().decode(), re.MULTILINE))


def _named(expression: str) -> set[str]:
    return set(re.findall(r"\btorneo_\w+", expression))


def test_promtool_accepts_configuration_and_rules() -> None:
    assert "SUCCESS" in promtool("check", "config", "--syntax-only", "prometheus.yml")
    assert "16 rules found" in promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml")


def test_the_rules_fire_when_they_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml")


def test_every_alert_has_a_test() -> None:
    rules = [rule for group in _rules()["groups"] for rule in group["rules"]]
    tests = yaml.safe_load((SHIPPED / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    fired = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in rules if "alert" in rule}


def test_rules_ask_for_metrics_that_there_are(known: set[str]) -> None:
    asked = set().union(*(_named(rule["expr"]) for group in _rules()["groups"] for rule in group["rules"]))
    assert len(asked) >= 9
    assert asked - known == set()


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_dashboards_ask_for_metrics_that_there_are(file: Path, known: set[str]) -> None:
    made: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    panels = made["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 7
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for target in panel["targets"]:
            assert _named(target["expr"]) - known == set(), panel["title"]
    variables = {variable["name"] for variable in made["templating"]["list"]}
    assert variables == {"datasource", "project"}


def test_metrics_are_named_by_convention(known: set[str]) -> None:
    """Base units, `_total` on counters, no colons: https://prometheus.io/docs/practices/naming/."""
    for name in known:
        base = next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)
        assert re.fullmatch(r"torneo(_[a-z]+)+", base), name
        assert not base.endswith(("_ms", "_milliseconds", "_percent")), name


def _rules() -> Any:
    return yaml.safe_load((SHIPPED / "rules.yml").read_text(encoding="utf-8"))
