"""What is told of predictions over HTTP, and the gauges of /metrics."""

from __future__ import annotations

import datetime
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import small
from surface import ROW, Served, serve, trained
from torneo.errors import UnavailableError
from torneo.http import routes_monitoring
from torneo.http.metrics import forget_the_dead
from torneo.http.observer import Observer
from torneo.spec.settings import ServeSettings
from torneo.watch.views import Asked, DriftView
from torneo.watchdog.journal import set_last_pass

ROWS = [
    {name: str(value) if name == "day" else value for name, value in row.items() if name != "y"}
    for row in small.table(300, seed=4, classes=False).head(60).iter_rows(named=True)
]


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(trained(), settings=ServeSettings(observe=0)) as found:
        yield found


def _gauge(served: Served, name: str, **labels: str) -> list[float]:
    families = text_string_to_metric_families(served.client.get("/metrics").text)
    return [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def test_the_same_is_told_in_all_forms(served: Served) -> None:
    made = served.client.post("/predict", json=ROWS).json()["predictions"]
    reports = [{"prediction_id": each["prediction_id"], "value": each["prediction"] + 0.25} for each in made]
    assert served.client.post("/outcomes", json=reports).status_code == 200
    assert served.client.post("/predict", json={**ROW, "colour": 5}).status_code == 422
    served.service.refusals.close()
    asked = {"since": "2026-01-01T00:00:00"}
    drift = served.client.get("/v1/small/drift", params=asked).json()
    assert (drift["report"]["verdict"], drift["report"]["rows"], drift["version"]) == ("no drift", 60, 1)
    assert drift == served.client.get("/drift", params=asked).json()
    assert drift == served.client.get("/monitoring/drift", params=asked).json()
    told = served.client.get("/v1/small/performance", params=asked).json()
    assert (told["labelled"], told["total"]["score"]) == (60, pytest.approx(0.25))
    stats = served.client.get("/monitoring/stats", params=asked).json()
    assert (stats["requests"], stats["rows"], stats["labelled"], stats["versions"]) == (1, 60, 60, {"1": 60})
    assert stats["latency_ms"]["p99"] >= stats["latency_ms"]["p50"] > 0


def test_what_was_seen_is_told_again_until_the_log_has_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.client.post("/predict", json=ROWS)
    first = served.client.get("/monitoring/stats").json()
    assert served.client.get("/monitoring/stats").json() == first
    served.client.post("/predict", json=ROWS)
    assert served.client.get("/monitoring/stats").json()["rows"] == 2 * first["rows"] == 120
    monkeypatch.setattr(routes_monitoring, "KEPT_SECONDS", 0.0)
    assert served.client.get("/monitoring/stats").json()["until"] > first["until"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/drift?window=5", 422, "window"),
        ("/drift?window=0rows", 422, "window"),
        ("/performance?since=yesterday", 422, "since"),
        ("/drift?until=0001-01-01", 200, ""),
        ("/monitoring/stats?since=0001-01-01&until=9999-12-31", 200, ""),
        ("/monitoring/stats?since=9999-12-31", 422, "there is no time from 2100-01-01 00:00 on and before"),
        ("/drift?since=2026-12-10&until=2026-12-02", 422, "there is no time from 2026-12-10 00:00 on and before"),
        ("/drift?window=999999999w", 422, "ten years"),
        ("/drift?window=999999999rows", 200, ""),
        ("/v1/other/drift", 404, "no project"),
    ],
)
def test_parameters_are_looked_at(served: Served, path: str, status: int, words: str) -> None:
    answer = served.client.get(path)
    assert answer.status_code == status, answer.text
    assert words in answer.text


def test_too_many_windows_and_too_little_time_say_what_to_do(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.client.post("/predict", json=ROWS)
    monkeypatch.setattr("torneo.watch.logged.MOST_WINDOWS", 20)
    answer = served.client.get("/drift?window=1rows")
    assert (answer.status_code, "longer windows" in answer.json()["detail"]) == (422, True), answer.text
    monkeypatch.setattr(routes_monitoring, "SECONDS", 0.0)
    answer = served.client.get("/monitoring/stats")
    assert (answer.status_code, "shorter time" in answer.json()["detail"]) == (503, True), answer.text
    assert answer.headers["retry-after"] == "1"


def test_a_key_needs_the_scope_read() -> None:
    with serve(trained(), auth=True) as served:
        for path in ("/drift", "/v1/small/performance", "/monitoring/stats"):
            assert served.client.get(path).status_code == 401
            assert served.client.get(path, headers=served.keys["predict"]).status_code == 403
            assert served.client.get(path, headers=served.keys["read"]).status_code == 200, path


def test_the_gauges_say_who_serves_and_how_far_columns_drifted(served: Served) -> None:
    shifted = [{**row, "a": row["a"] + 3} for row in ROWS]
    served.client.post("/predict", json=shifted)
    served.service.settings = ServeSettings(observe=1)
    Observer(served.service, None).look()
    assert _gauge(served, "torneo_champion_version", project="small") == [1]
    assert _gauge(served, "torneo_log_waiting_rows") == [0]
    assert _gauge(served, "torneo_follower_trouble", project="small") == [0]
    assert _gauge(served, "torneo_open_alerts", project="small", rule="drift") == [0]
    assert _gauge(served, "torneo_drift_window_rows") == [60]
    assert _gauge(served, "torneo_drifted", column="a") == [1]
    assert _gauge(served, "torneo_drift_effect_ratio", column="a")[0] > 10
    assert _gauge(served, "torneo_drift_effect_ratio", column="b")[0] < 3


def test_a_log_that_takes_too_long_is_looked_at_for_less(served: Served) -> None:
    served.client.post("/predict", json=ROWS)
    served.service.settings = ServeSettings(observe=1)
    observer = Observer(served.service, None)
    observer.look()
    [looked] = _gauge(served, "torneo_drift_timestamp_seconds")
    spans = []

    def look(name: str, asked: Asked, seconds: float, ended: threading.Event) -> DriftView:
        assert asked.until
        assert asked.since
        spans.append((asked.until - asked.since).total_seconds())
        raise UnavailableError("too long")

    served.service.look = look
    for _ in range(2):
        observer._next = 0.0
        observer.look()
    assert spans == [86400, 21600]
    assert all(map(math.isnan, _gauge(served, "torneo_drift_effect_ratio", column="a")))
    assert _gauge(served, "torneo_drift_window_rows") == [0]
    assert _gauge(served, "torneo_drift_timestamp_seconds") == [looked], "a look that fails is none"


def test_the_gauge_of_the_watchdog_says_when_it_passed(served: Served) -> None:
    served.service.settings = ServeSettings(observe=1)
    Observer(served.service, None).look()
    assert _gauge(served, "torneo_watchdog_timestamp_seconds") == []
    set_last_pass(served.service.state, "small", datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC))
    Observer(served.service, None).look()
    assert _gauge(served, "torneo_watchdog_timestamp_seconds", project="small") == [1772323200]


def test_one_worker_looks_at_the_log(served: Served, tmp_path: Path) -> None:
    served.service.settings = ServeSettings(observe=1)
    first, second = Observer(served.service, tmp_path), Observer(served.service, tmp_path)
    assert [first._is_mine(), second._is_mine(), first._is_mine()] == [True, False, True]
    first.stop()
    assert second._is_mine()
    second.stop()


def test_gauges_of_workers_that_are_no_more_are_left_out(tmp_path: Path) -> None:
    dead, alive = tmp_path / "gauge_livesum_999999999.db", tmp_path / "gauge_livemax_1.db"
    for file in (dead, alive, tmp_path / "counter_999999999.db"):
        file.touch()
    forget_the_dead(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["counter_999999999.db", "gauge_livemax_1.db"]
