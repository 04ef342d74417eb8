"""How long one row takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from torneo.bundle.scorer import Scorer


def latency_ms(scorer: Scorer, columns: Mapping[str, Sequence[Any]], *, calls: int = 200) -> float:
    """The median time of scoring a single row, in milliseconds of one thread; rows are taken in turn."""
    length = len(next(iter(columns.values())))
    rows = [{name: [values[place]] for name, values in columns.items()} for place in range(min(length, calls))]
    for row in rows[:10]:
        scorer.score(row)
    durations = []
    for call in range(calls):
        start = time.perf_counter()
        scorer.score(rows[call % len(rows)])
        durations.append(time.perf_counter() - start)
    return statistics.median(durations) * 1000
