"""A real Prometheus scrapes a real server of two workers under load: counts are the log's, every panel has data."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.serving import ROW, Home, Load, Server, free_port, serving
from prometheus import SHIPPED, Prometheus, scraping

PANELS = [
    pytest.param(target["expr"], id=f"{file.stem}-{panel['id']}-{target['refId']}")
    for file in sorted((SHIPPED / "dashboards").glob("*.json"))
    for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
    for target in panel["targets"]
]
REFUSED = 5

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Watched:
    """What was done, and what Prometheus knows of it."""

    prometheus: Prometheus
    server: Server
    home: Home
    load: Load


@pytest.fixture(scope="module")
def watched(trained_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("prometheus")
    home = trained_home.copy(folder)
    with (
        serving(home, "--workers", "2", TORNEO_SERVE__OBSERVE="1") as server,
        scraping(server.port, free_port(), folder) as prometheus,
    ):
        prometheus.wait("the server is scraped", lambda: prometheus.value('up{job="torneo"}') == 1)
        with Load(server.port, clients=2, rows=3) as load:
            load.wait_for(300)
            for _ in range(REFUSED):
                assert server.ask(body={**ROW, "bmi": "much"}).status == 422
            load.wait_for(600)
        rows = len(load.acknowledged)
        prometheus.wait("all is scraped", lambda: prometheus.value("sum(torneo_predictions_total)") == rows)
        prometheus.wait("drift is looked for", lambda: prometheus.value("torneo_drift_window_rows") == rows)
        yield Watched(prometheus, server, home, load)


def test_the_counts_are_the_log_s(watched: Watched) -> None:
    with sqlite3.connect(watched.home.path / "predictions.db") as connection:
        ((rows, requests),) = connection.execute("SELECT count(*), count(DISTINCT request) FROM predictions")
    assert rows == len(watched.load.acknowledged) >= 600
    value = watched.prometheus.value
    assert value("sum(torneo_predictions_total)") == rows
    assert value('sum(torneo_http_requests_total{route="predict", status="200"})') == requests
    assert value('sum(torneo_http_requests_total{route="predict", status="422"})') == REFUSED
    assert value('sum(torneo_http_request_duration_seconds_count{route="predict"})') == requests + REFUSED
    assert value("sum(torneo_refused_values_total)") == REFUSED
    stats = watched.server.get("/monitoring/stats").json
    assert (stats["rows"], stats["requests"]) == (rows, requests)


def test_one_worker_alone_has_metrics_too(trained_home: Home, tmp_path: Path) -> None:
    with serving(trained_home.copy(tmp_path), TORNEO_SERVE__OBSERVE="1") as server:
        assert server.ask(body=[ROW] * 60).status == 200

        def has(line: str) -> bool:
            return re.search(f"^{line}$", server.get("/metrics").body.decode(), re.MULTILINE) is not None

        assert has(r'torneo_predictions_total\{.*role="champion".*\} 60.0')
        deadline = time.monotonic() + 30
        while not has(r'torneo_drift_window_rows\{project="\w+"\} 60.0'):
            assert time.monotonic() < deadline, server.get("/metrics").body.decode()
            time.sleep(0.2)


def test_gauges_are_those_of_one_server(watched: Watched) -> None:
    """Of two workers, each series is there once."""
    value = watched.prometheus.value
    assert value("torneo_champion_version") > 0
    assert value("torneo_log_waiting_rows") == 0
    assert value("torneo_log_failing") == 0
    assert value("torneo_follower_trouble") == 0
    effects = {labels["column"]: effect for labels, effect in watched.prometheus.query("torneo_drift_effect_ratio")}
    assert set(effects) == {*ROW, "__answers__"}
    assert effects["age"] > 1, "all rows are the same one, which is drift"


@pytest.mark.parametrize("expression", PANELS)
def test_every_panel_has_data(watched: Watched, expression: str) -> None:
    asked = expression.replace("$project", ".*").replace("$__rate_interval", "1m")
    watched.prometheus.wait(asked, lambda: bool(watched.prometheus.query(asked)))
    assert not all(math.isnan(value) for _, value in watched.prometheus.query(asked)), asked


def test_the_shipped_rules_are_evaluated_and_find_the_drift(watched: Watched) -> None:
    groups = watched.prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == 16
    watched.prometheus.wait("rules", lambda: bool(watched.prometheus.query("torneo:http_requests:rate5m")))
    assert {rule["health"] for rule in watched.prometheus.ask("rules")["groups"][0]["rules"]} == {"ok"}

    def pending() -> set[str]:
        return {alert["labels"]["alertname"] for alert in watched.prometheus.ask("alerts")["alerts"]}

    watched.prometheus.wait("the drift is found", lambda: "TorneoColumnDrifted" in pending())
    assert "TorneoDown" not in pending()
