"""Counts what is refused, and has a thread write the counts: who asks waits for nothing, and the usual way is free.

A process that is killed loses the counts of its last `SECONDS`; while the database does not answer they are kept.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping

from torneo.errors import TorneoError
from torneo.ports.refusals import REQUESTS, RefusalLog, Refused

SECONDS = 2.0
MOST = 10_000
"""So many different counts are kept while the database does not answer; what comes on top is left out."""

_logger = logging.getLogger("torneo.serving")


class RefusalCounter:
    """The counts of one process."""

    def __init__(self, log: RefusalLog, *, seconds: float = SECONDS) -> None:
        self._log = log
        self._seconds = seconds
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._ended = threading.Event()
        self._counts: Counter[tuple[str, int, str]] = Counter()
        self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)
        self._thread.start()

    def add(self, project: str, reasons: Mapping[str, int]) -> None:
        """Count a request that was refused, and its values that broke the contract, by reason."""
        minute = int(time.time() // 60)
        with self._lock:
            for reason, count in {REQUESTS: 1, **reasons}.items():
                place = (project, minute, reason)
                if place in self._counts or len(self._counts) < MOST:
                    self._counts[place] += count
        self._some.set()

    def close(self) -> None:
        """Write what is there, if the database answers, and end."""
        self._ended.set()
        self._some.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._some.wait()
            self._ended.wait(self._seconds)
            self._some.clear()
            self._write()

    def _write(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        try:
            self._log.count_refused([Refused(*place, count) for place, count in counts.items()])
        except Exception as error:
            if not isinstance(error, TorneoError):
                _logger.exception("refusals cannot be counted")
            with self._lock:
                self._counts.update(counts)
            self._some.set()
