"""After how many windows a shift of real data is an alert; against Evidently on the same windows.

    TORNEO_DATA=… python bench/watch_delays.py [--sequences 20] [--evidently VENV/bin/python]

Each sequence draws a baseline of 8,000 rows of rossmann, and then windows in which `Sales` is shifted, until 20 windows
have come. An alert takes two bad windows of the last three, as `watch.persistence` has it by default, for both; the
last column is what Evidently gives without that.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from torneo.watch.drift import drift
from torneo.watch.persistence import persists
from torneo.watch.report import Verdict
from torneo.watch.sketch import sketch
from watch import TRAINED, Ask, changed, drawn, evidently, populations, trained

ROWS = (100, 500, 2_000)
DELAYS = (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
PATIENCE = 20
"""So many windows are waited for an alert."""


def delays(ask: Ask | None, random: np.random.Generator, data: Path, sequences: int) -> None:
    """After how many windows drift of `Sales` is an alert, which takes two bad windows of three; Evidently's first."""
    population = populations(data)["rossmann"]
    print(
        "| shift | rows | Torneo: median | within 20 | Evidently: median | within 20 | its first bad window: median |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for rows in ROWS:
        for size in DELAYS:
            ours, theirs, first = [], [], []
            for _ in range(sequences):
                before = drawn(population, TRAINED, random)
                of_training = trained(before)
                bad: list[tuple[bool, bool]] = []
                for _ in range(PATIENCE):
                    now = changed(drawn(population, rows, random), "shift, standard deviations", size, random)
                    other = ask is not None and any(
                        ask("verdicts", before.select("Sales"), now.select("Sales")).values()
                    )
                    bad.append(("Sales" in drift(of_training, sketch(of_training, now)).columns, other))
                ours.append(_opened([our for our, _ in bad], 2))
                theirs.append(_opened([other for _, other in bad], 2))
                first.append(_opened([other for _, other in bad], 1))
            asked = f"{_median(theirs)} | {_share(theirs)} | {_median(first)}" if ask else " | | "
            print(f"| {size:g} | {rows:,} | {_median(ours)} | {_share(ours)} | {asked} |", flush=True)


def _opened(bad: list[bool], needed: int) -> float:
    """The number of the window after which so many of the last three were bad, itself among them."""
    verdicts: list[Verdict] = ["drift" if each else "no drift" for each in bad]
    for windows in range(1, len(verdicts) + 1):
        if persists(verdicts[:windows], bad=needed, of=3):
            return windows
    return float("inf")


def _median(delays: list[float]) -> str:
    middle = sorted(delays)[len(delays) // 2]
    return "none" if middle == float("inf") else f"{middle:g}"


def _share(delays: list[float]) -> str:
    return f"{np.isfinite(delays).mean():.0%}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evidently", help="the Python of an environment with Evidently")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TORNEO_DATA", ".")))
    parser.add_argument("--sequences", type=int, default=20)
    chosen = parser.parse_args()
    with evidently(chosen.evidently) as ask:
        delays(ask, np.random.default_rng(1), chosen.data, chosen.sequences)
    return 0


if __name__ == "__main__":
    sys.exit(main())
