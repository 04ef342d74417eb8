"""Rows per second of the prediction log in SQLite and PostgreSQL, by batch, beside what the disk alone allows.

    python bench/log.py [--seconds 3] [--rows 1000000]

Each line is one process that appends batches one after another, each on disk before the next; the row has 13 inputs
(housing) and an answer with its interval. The floor writes as many bytes to a file and calls fdatasync. CPU is this
process's own per batch, so without that of PostgreSQL's server. With --rows the databases are filled, and their sizes
and the times of reading are shown.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from postgres import running_server  # noqa: E402 - a script has no other way to the tests' helpers
from torneo.ports import LogFilter, Prediction, PredictionLog  # noqa: E402
from torneo.stores.prediction_log import open_prediction_log  # noqa: E402
from torneo.testing.small_log import claim, outcome, prediction  # noqa: E402

BATCHES = (1, 10, 100, 1000)
INPUTS = json.dumps({f"column_{number}": 17.25 * number for number in range(13)})
OUTPUT = json.dumps({"value": 22.5312, "low": 18.25, "high": 26.75})
Append = Callable[[Sequence[Prediction]], object]


def lines(first: int, count: int) -> list[Prediction]:
    """Predictions of a housing model."""
    return [prediction(number, inputs=INPUTS, output=OUTPUT) for number in range(first, first + count)]


def keyed(batch: Sequence[Prediction]) -> list[Prediction]:
    """The lines as of rows with a key, each another one."""
    return [line._replace(entity=hashlib.md5(line.id.encode()).hexdigest()) for line in batch]  # noqa: S324


def measure(append: Append, batch: int, seconds: float, first: int) -> tuple[float, float, float, float]:
    """Batches per second, and per batch the median and the slowest of a hundred and the CPU, in milliseconds."""
    prepared = [lines(first + number * batch, batch) for number in range(int(seconds * 8000 / (batch + 3)) + 10)]
    took: list[float] = []
    cpu = time.process_time()
    end = time.perf_counter() + seconds
    for each in prepared:
        started = time.perf_counter()
        append(each)
        took.append(time.perf_counter() - started)
        if started > end:
            break
    cpu = time.process_time() - cpu
    ordered = sorted(took)
    share = 1000 * cpu / len(took)
    return len(took) / sum(took), 1000 * ordered[len(took) // 2], 1000 * ordered[len(took) * 99 // 100], share


def floor(folder: Path) -> Append:
    """Write as many bytes, and fdatasync."""
    file = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT)

    def append(batch: Sequence[Prediction]) -> None:
        os.write(file, b"x" * (len(batch) * 600))
        os.fdatasync(file)

    return append


def with_keys(log: PredictionLog) -> Append:
    """Each line is of another row with a key."""
    return lambda batch: log.append(keyed(batch))


def with_claims(log: PredictionLog) -> Append:
    """Each line is a request with an idempotency key."""

    def append(batch: Sequence[Prediction]) -> None:
        log.append(batch, [claim(line.request, line.request, answer=line.output) for line in batch])

    return append


def appending(ways: dict[str, Append], seconds: float) -> Table:
    """The table of rows per second."""
    table = Table("", "batch", "batches/s", "rows/s", "p50 ms", "p99 ms", "CPU ms", title="append, one process")
    first = itertools.count(10_000_000, 10_000_000)
    for what, append in ways.items():
        for place, batch in enumerate(BATCHES):
            rate, middle, slow, cpu = measure(append, batch, seconds, next(first))
            figures = (f"{rate:,.0f}", f"{rate * batch:,.0f}", f"{middle:.2f}", f"{slow:.2f}", f"{cpu:.2f}")
            table.add_row(what if place == 0 else "", str(batch), *figures)
    return table


def reading(logs: dict[str, tuple[PredictionLog, Callable[[], int]]], rows: int) -> Table:
    """The table of sizes, and of the times of reading."""
    table = Table(
        "",
        "MiB",
        "get ms",
        "page ms",
        "of a key ms",
        "scan rows/s",
        "prune rows/s",
        title=f"{rows:,} lines, each of another key, 10 % labelled",
    )
    for what, (log, size) in logs.items():
        for first in range(0, rows, 10_000):
            for start in range(first, min(first + 10_000, rows), 100):
                log.append(keyed(lines(start, min(100, rows - start))))
            log.add_outcomes([outcome(number, 21.5) for number in range(first, min(first + 10_000, rows), 10)])
        get = clocked(lambda log=log: log.get("housing", prediction(rows // 2).id), 50)  # type: ignore[misc]
        page = clocked(lambda log=log: log.page("housing", LogFilter(), limit=100), 50)  # type: ignore[misc]
        [asked] = keyed([prediction(rows // 2)])
        by_key = clocked(lambda log=log, of=asked.entity: log.page("housing", LogFilter(entity=of)), 5)  # type: ignore[misc]
        scan = clocked(lambda log=log: sum(map(len, log.scan("housing", LogFilter()))), 1)  # type: ignore[misc]
        mebibytes = size() / 2**20
        moment = log.get("housing", prediction(rows // 2).id)
        assert moment is not None
        prune = clocked(lambda log=log, until=moment.time: log.prune("housing", until), 1)  # type: ignore[misc]
        figures = (f"{mebibytes:,.0f}", f"{1000 * get:.2f}", f"{1000 * page:.2f}", f"{1000 * by_key:.2f}")
        table.add_row(what, *figures, f"{rows / scan:,.0f}", f"{rows / 2 / prune:,.0f}")
    return table


def clocked(action: Callable[[], object], times: int) -> float:
    """Seconds of one, on average."""
    started = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - started) / times


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rows", type=int, default=0)
    given = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, running_server() as server:
        folder = Path(name)
        file, url = folder / "a.db", server.new_database("a")
        ways: dict[str, Append] = {"disk alone": floor(folder)}
        for what, place in (("SQLite", str(file)), ("PostgreSQL", url)):
            log = open_prediction_log(place)
            log.append([])
            ways[what] = log.append
            ways[f"{what}, claims"] = with_claims(log)
            ways[f"{what}, keys"] = with_keys(log)
        console.print(appending(ways, given.seconds))
        if given.rows:
            other, name = folder / "b.db", server.new_database("b")

            def database_size() -> int:
                import psycopg

                with psycopg.connect(name) as connection:
                    [size] = connection.execute("SELECT pg_database_size(current_database())").fetchone() or [0]
                    return int(size)

            def file_size() -> int:
                return sum(path.stat().st_size for path in folder.glob("b.db*"))

            logs = {"SQLite": (open_prediction_log(other), file_size)}
            logs["PostgreSQL"] = (open_prediction_log(name), database_size)
            console.print(reading(logs, given.rows))


if __name__ == "__main__":
    main()
