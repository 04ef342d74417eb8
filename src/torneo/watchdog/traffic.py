"""What requests were like in a window: how many were refused or warned, and how long answers took."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from torneo.ports.refusals import REQUESTS, Refused
from torneo.spec.watchdog import Latency, Quality
from torneo.watchdog.findings import Finding, finding

if TYPE_CHECKING:
    import polars as pl

STEP = 1.02
"""A latency is known to 1 %: bins of the histogram grow by this factor (Masson, Rim and Lee 2019, DDSketch)."""
BINS = 1200
SMALLEST_MS = 0.001
WARNED = '"warnings":['
SHOWN = 3


@dataclass
class Traffic:
    """Counts of a window, in bounded memory."""

    requests: int = 0
    rows: int = 0
    warned: int = 0
    """Answered rows with a warning."""
    warnings: Counter[str] = field(default_factory=Counter)
    """Warnings by reason."""
    refused: int = 0
    """Requests that were refused for their values."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Refused values by reason."""
    latencies: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))
    _last: str = ""

    def add(self, frame: pl.DataFrame) -> None:
        """Count lines of the log, in its order; shadows answer nobody."""
        import polars as pl

        answered = frame.filter(pl.col("role") != "shadow")
        if not answered.height:
            return
        self.rows += answered.height
        self.requests += answered["request"].n_unique() - (answered["request"][0] == self._last)
        self._last = answered["request"][-1]
        odd = answered.filter(pl.col("output").str.contains(WARNED, literal=True))["output"]
        self.warned += len(odd)
        self.warnings.update(told["reason"] for text in odd for told in json.loads(text).get("warnings", ()))
        places = np.log(np.maximum(answered["latency_ms"].to_numpy() / SMALLEST_MS, 1.0)) / np.log(STEP)
        self.latencies += np.bincount(np.minimum(places.astype(np.int64), BINS - 1), minlength=BINS)

    def add_refused(self, counts: Iterable[Refused]) -> None:
        """Count what was refused."""
        for each in counts:
            if each.reason == REQUESTS:
                self.refused += each.number
            else:
                self.reasons[each.reason] += each.number

    def quantile_ms(self, share: float) -> float | None:
        """The latency that so many answers do not exceed, to 1 %."""
        if not self.rows:
            return None
        place = int(np.searchsorted(np.cumsum(self.latencies), np.ceil(share * self.rows)))
        return float(SMALLEST_MS * STEP ** (place + 0.5))


def quality(asked: Quality, traffic: Traffic) -> Iterator[Finding] | None:
    """Too many refused or warned; None where there are too few requests to tell."""
    if traffic.requests + traffic.refused < asked.min_requests:
        return None
    return _quality(asked, traffic)


def _quality(asked: Quality, traffic: Traffic) -> Iterator[Finding]:
    total = traffic.requests + traffic.refused
    for subject, part, whole, bar, reasons, what in (
        ("refused", traffic.refused, total, asked.refused, traffic.reasons, "requests were refused"),
        ("warned", traffic.warned, traffic.rows, asked.warned, traffic.warnings, "predictions had warnings"),
    ):
        share = part / max(whole, 1)
        if share > bar:
            most = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(SHOWN))
            why = f"{part:,} of {whole:,} {what} ({share:.1%}, at most {bar:.1%}){f': {most}' if most else ''}"
            yield finding("quality", subject, value=share, bar=bar, size=share / max(bar, 0.001), why=why)


def latency(asked: Latency, traffic: Traffic) -> Iterator[Finding] | None:
    """Answers took too long; None where there are too few to tell."""
    slow = traffic.quantile_ms(0.99)
    if slow is None or traffic.rows < asked.min_rows:
        return None
    usual = traffic.quantile_ms(0.5)
    why = f"the slowest 1 % of {traffic.rows:,} answers took {slow:,.0f} ms or more, half of them {usual:,.1f} ms"
    bad = slow > asked.p99_ms
    found = [finding("latency", "p99", value=slow, bar=asked.p99_ms, size=slow / asked.p99_ms, why=why)]
    return iter(found if bad else [])
