"""`torneo init` and `torneo run` on many generated rows: seconds and peak memory of each.

python bench/large.py --rows 10000000
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

PART = 1_000_000


def generate(path: Path, rows: int) -> None:
    """Write a CSV of 14 columns: 9 numbers, 3 categories, an id and a target; one row in 1,000 lacks a number."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, rows, PART):
            size = min(PART, rows - start)
            numbers = {f"x{i}": rng.normal(size=size).round(4) for i in range(9)}
            groups = {f"group{i}": rng.choice(["red", "green", "blue"], size) for i in range(3)}
            noise = rng.normal(size=size)
            target = (numbers["x0"] + numbers["x1"] * numbers["x2"] + (groups["group0"] == "red") + noise).round(4)
            frame = pl.DataFrame({"id": np.arange(start, start + size), **numbers, **groups, "y": target})
            missing = pl.Series(rng.random(size) < 0.001)
            frame = frame.with_columns(x3=pl.when(missing).then(None).otherwise("x3"))
            frame.write_csv(file, include_header=start == 0)


def measured(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and peak memory (GiB) of a torneo command, measured in a process of its own."""
    script = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, code)\n"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, sys.executable, "-m", "torneo", *arguments],
        cwd=folder,
        env={**os.environ, "TORNEO_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    peak, code = done.stdout.split()
    if code != "0":
        raise SystemExit(f"torneo {' '.join(arguments)} ended with {code}")
    return time.perf_counter() - started, int(peak) / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    table = Table(title=f"{rows:,} generated rows of 14 columns", title_justify="left")
    for column in ("command", "seconds", "peak memory, GiB"):
        table.add_column(column, justify="left" if column == "command" else "right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "data.csv", rows)
        size = (folder / "data.csv").stat().st_size / 2**30
        commands = (["init", "data.csv", "--target", "y"], ["check"], ["run"], ["run"])
        for arguments in commands:
            seconds, peak = measured(arguments, folder)
            table.add_row(f"torneo {' '.join(arguments)}", f"{seconds:.1f}", f"{peak:.2f}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    Console(width=120).print(table, f"the CSV has {size:.2f} GiB; generating it took {own:.2f} GiB of memory", sep="\n")


if __name__ == "__main__":
    main()
