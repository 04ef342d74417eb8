"""Prometheus metrics of all workers together.

Each worker counts in files of its own below `PROMETHEUS_MULTIPROC_DIR`; whoever is asked adds them up.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from torneo.http.gauges import Gauges

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder; it is Prometheus's own."""
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""


class Metrics:
    """What a worker counts. Labels are bounded: projects, routes and status codes."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "torneo_http_requests", "Requests answered.", ["project", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "torneo_http_request_duration_seconds",
            "Seconds from a request's arrival to its answer.",
            ["project", "route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._rows = Counter(
            "torneo_predictions", "Predicted rows.", ["project", "version", "role"], registry=self._registry
        )
        self._refused = Counter(
            "torneo_refused_values", "Values that broke the contract.", ["project", "reason"], registry=self._registry
        )
        self._left_out = Counter(
            "torneo_shadow_left_out", "Requests that the shadow had no time for.", ["project"], registry=self._registry
        )
        self.gauges = Gauges(self._registry)
        self._request = cache(lambda *labels: self._requests.labels(*labels))
        self._duration = cache(lambda *labels: self._seconds.labels(*labels))
        self._row = cache(lambda *labels: self._rows.labels(*labels))

    def answered(self, project: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._request(project, route, str(status)).inc()
        self._duration(project, route).observe(seconds)

    def predicted(self, project: str, version: int, role: str, rows: int) -> None:
        """Count predicted rows."""
        self._row(project, str(version), role).inc(rows)

    def refused(self, project: str, reason: str, count: int) -> None:
        """Count values that broke the contract; the reasons are the contract's."""
        self._refused.labels(project, reason).inc(count)

    def shadow_left_out(self, project: str) -> None:
        """Count a request that was not shadowed."""
        self._left_out.labels(project).inc()

    def text(self) -> bytes:
        """All workers' metrics in Prometheus' text format."""
        if FOLDER not in os.environ:
            return generate_latest(self._registry)
        forget_the_dead(Path(os.environ[FOLDER]))
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def forget_the_dead(folder: Path) -> None:
    """Leave out the gauges of workers that are no more; what they have counted stays."""
    pids = {file.stem.rpartition("_")[2] for file in folder.glob("gauge_live*.db")}
    for pid in pids:
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]
