"""Keeps the gauges of `/metrics`: what a worker sees of itself, and what one worker sees in the logs for all."""

from __future__ import annotations

import datetime
import fcntl
import logging
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import IO, get_args

from torneo.errors import TorneoError, UnavailableError
from torneo.http.metrics import FOLDER
from torneo.http.service import Service
from torneo.spec.watchdog import parse_window
from torneo.watch.views import Asked, DriftView
from torneo.watchdog.findings import Rule
from torneo.watchdog.journal import last_pass
from torneo.watchdog.shown import known_alerts

log = logging.getLogger("torneo.http")

PAUSE = 1.0
"""Seconds between two looks at what a worker knows itself."""
SECONDS = 30.0
"""A look at a project's log may take so long; then the next one is at a quarter of the time."""
AT_MOST = 0.2
"""The share of the time that is spent on looks at logs; they give way to whoever is answered."""
USUAL = datetime.timedelta(days=1)
SHORTEST = datetime.timedelta(minutes=1)


class Observer:
    """A thread; of all workers of a server, the one that gets the lock looks at the logs.

    Args:
        folder: where the workers' metrics are; None where there is one worker.
    """

    def __init__(self, service: Service, folder: Path | None) -> None:
        self._service = service
        self._lock_file = None if folder is None else folder / "observer.lock"
        self._lock: IO[str] | None = None
        self._next = 0.0
        self._spans: dict[str, datetime.timedelta] = {}
        self._columns: dict[str, frozenset[str]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for a look that is under way."""
        self._ended.set()
        if self._lock is not None:
            self._lock.close()

    def _run(self) -> None:
        while not self._ended.wait(PAUSE):
            try:
                self.look()
            except Exception:
                log.exception("the gauges could not be kept")

    def look(self) -> None:
        """Set what is to be set now."""
        self._look_at_worker()
        every = self._service.settings.observe
        if every and time.monotonic() >= self._next and self._is_mine():
            started = time.monotonic()
            for name in self._service.endpoints:
                self._look_at_log(name)
            took = time.monotonic() - started
            self._next = time.monotonic() + max(every, took / AT_MOST)

    def _look_at_worker(self) -> None:
        service = self._service
        service.metrics.gauges.writer(service.writer.waiting, failing=service.writer.failure is not None)
        for name, endpoint in service.endpoints.items():
            version = 0 if endpoint.lineup is None else endpoint.lineup.champion.version
            service.metrics.gauges.champion(name, version, trouble=endpoint.trouble is not None)

    def _is_mine(self) -> bool:
        if self._lock_file is None or self._lock is not None:
            return True
        file = self._lock_file.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._lock = file
        return True

    def _look_at_log(self, name: str) -> None:
        gauges = self._service.metrics.gauges
        try:
            alerts = Counter(alert.rule for alert in known_alerts(self._service.state, name))
            gauges.alerts(name, {rule: alerts[rule] for rule in get_args(Rule)})
            passed = last_pass(self._service.state, name)
            if passed is not None:
                gauges.watchdog(name, passed.timestamp())
            view = self._drift(name)
        except TorneoError as error:
            if self._ended.is_set():
                return
            log.warning("%s cannot be watched for /metrics: %s", name, error.message)
            gauges.unknown(name, self._columns.get(name, frozenset()))
            return
        effects = view.windows[-1].effects if view.windows else {}
        known = frozenset(effects)
        gone = self._columns.get(name, frozenset()) - known
        gauges.drift(name, effects, view.report.columns, view.report.rows, gone)
        self._columns[name] = known

    def _drift(self, name: str) -> DriftView:
        """The last window's, together; less of it where there is not the time."""
        project = self._service.endpoints[name].project
        seconds = parse_window(project.watch.window).seconds
        whole = USUAL if seconds is None else datetime.timedelta(seconds=seconds)
        span = self._spans.get(name, whole)
        until = datetime.datetime.now(datetime.UTC)
        try:
            asked = Asked(since=until - span, until=until, window="520w")
            view = self._service.look(name, asked, SECONDS, self._ended)
        except UnavailableError:
            self._spans[name] = max(span / 4, SHORTEST)
            raise
        return view


def folder_of_metrics() -> Path | None:
    """Where the workers of this server keep their metrics."""
    found = os.environ.get(FOLDER)
    return Path(found) if found else None
