"""Drift: how fast, how often for nothing, how soon; against Evidently on the same windows.

`TORNEO_DATA=… python bench/watch.py speed|alarms|level|curves|real --evidently VENV/bin/python`; Evidently
may have an environment of its own (its side is bench/watch_evidently.py), and without it its columns stay empty.

The rows of a real data set are taken for the whole population: baseline and window are drawn from them independently,
with replacement, anew for every window, so that there is no drift but what is put in.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl

from torneo.bundle.baseline import baseline
from torneo.spec.records import Feature
from torneo.spec.watching import Drift, TestName
from torneo.watch.drift import drift
from torneo.watch.sketch import Baseline, sketch

TRAINED = 8_000
"""Rows of the baseline."""
SIZES = (50, 200, 1_000, 5_000, 50_000)
TESTS = ("auto", "psi", "ks", "chi_square")
Ask = Callable[[str, pl.DataFrame, pl.DataFrame], Any]


def populations(folder: Path) -> dict[str, pl.DataFrame]:
    """Real data sets: features, and for regressions the target."""
    telco = pl.read_csv(folder / "telco_customer_churn.csv", infer_schema_length=None, null_values=[" "])
    stores = pl.read_csv(folder / "rossmann_stores_100.csv", infer_schema_length=None)
    sales = pl.read_csv(
        folder / "rossmann_sales_100stores.csv", infer_schema_length=None, schema_overrides={"StateHoliday": pl.String}
    )
    return {
        "telco": telco.drop("customerID").with_columns(pl.col("SeniorCitizen").cast(pl.String)),
        "housing": pl.read_csv(folder / "HousingData.csv", infer_schema_length=None, null_values=["NA"]),
        "rossmann": sales.filter((pl.col("Open") == 1) & (pl.col("Sales") > 0))
        .join(stores, on="Store")
        .drop("Date", "Open", "Customers")
        .with_columns(pl.col("Promo", "SchoolHoliday", "Promo2").cast(pl.String)),
    }


def numeric(frame: pl.DataFrame) -> list[str]:
    """The names of the columns of numbers."""
    return [name for name, dtype in frame.schema.items() if dtype.is_numeric()]


def trained(frame: pl.DataFrame) -> Baseline:
    """The baseline as training writes it into a bundle, and as JSON gives it back."""
    numbers = numeric(frame)
    features = [Feature(name=name, kind="numeric" if name in numbers else "categorical") for name in frame.columns]
    made = baseline(frame, features, frame.columns[-1])
    return Baseline.read(json.loads(json.dumps(made)))


@contextlib.contextmanager
def evidently(python: str | None) -> Iterator[Ask | None]:
    """A function that asks Evidently about a baseline and a window."""
    if python is None:
        yield None
        return
    script = Path(__file__).with_name("watch_evidently.py")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [python, "-W", "ignore", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        places = {side: str(Path(folder, f"{side}.parquet")) for side in ("before", "now")}

        def ask(what: str, before: pl.DataFrame, now: pl.DataFrame) -> Any:
            before.write_parquet(places["before"])
            now.write_parquet(places["now"])
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps({"what": what, "numeric": numeric(before), **places}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


def speed(ask: Ask | None, random: np.random.Generator) -> None:
    """100,000 rows against as many, and a million predictions; 12 columns of numbers and 8 of categories."""

    def rows(count: int) -> pl.DataFrame:
        numbers = {f"n{place}": random.normal(size=count) for place in range(12)}
        letters = np.array(["bronze", "silver", "gold", "platinum", "none"])
        return pl.DataFrame(numbers | {f"c{place}": letters[random.integers(0, 5, count)] for place in range(8)})

    before, now, million = rows(100_000), rows(100_000), rows(1_000_000)
    of_training = trained(before)
    drift(of_training, sketch(of_training, now[:100]))
    jobs: list[tuple[str, Callable[[], Any]]] = [
        ("baseline, 100,000 x 20 (once, in training)", lambda: trained(before)),
        ("Torneo: sketches and verdict, 100,000 x 20", lambda: drift(of_training, sketch(of_training, now))),
        ("the same, 1,000,000 x 20", lambda: drift(of_training, sketch(of_training, million))),
        ("1,000,000 answers alone", lambda: drift(of_training, sketch(of_training, million.select("n0")))),
    ]
    print("| what | seconds | CPU-seconds |\n|---|---:|---:|")
    for name, job in jobs:
        best = min((_timed(job) for _ in range(3)), key=lambda each: each[1])
        print(f"| {name} | {best[0]:.2f} | {best[1]:.2f} |", flush=True)
    if ask is not None:
        found = min((ask("preset", before, now) for _ in range(2)), key=lambda each: float(each["cpu"]))
        print(f"| Evidently: DataDriftPreset, 100,000 x 20 | {found['seconds']:.2f} | {found['cpu']:.2f} |")


def _timed(job: Callable[[], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - wall, time.process_time() - cpu


def alarms(
    ask: Ask | None, random: np.random.Generator, data: Path, windows: int, asked: int, *, by_chance_alone: bool = False
) -> None:
    """How often a window without drift is called drifted, in any column; also by p-values alone."""
    thresholds = dict.fromkeys(get_args(TestName), 1e-12) if by_chance_alone else {}
    ways = {test: Drift.model_validate({"test": test, "thresholds": thresholds}) for test in TESTS}
    print("| data | window | windows | " + " | ".join(TESTS) + " | Evidently, any column | its windows |")
    print("|---|---:|---:|" + "---:|" * (len(TESTS) + 2))
    total, everything = dict.fromkeys(TESTS, 0), 0
    for name, population in populations(data).items():
        for size in SIZES:
            hits, theirs = dict.fromkeys(TESTS, 0), []
            for number in range(windows):
                before, now = drawn(population, TRAINED, random), drawn(population, size, random)
                of_training = trained(before)
                sketches = sketch(of_training, now)
                for test in TESTS:
                    hits[test] += drift(of_training, sketches, ways[test]).verdict == "drift"
                if ask is not None and number < asked:
                    theirs.append(any(ask("verdicts", before, now).values()))
            everything += windows
            total = {test: total[test] + hits[test] for test in TESTS}
            rates = " | ".join(f"{hits[test] / windows:.1%}" for test in TESTS)
            other = f"{np.mean(theirs):.0%} | {len(theirs)}" if theirs else "| "
            print(f"| {name} | {size:,} | {windows} | {rates} | {other} |", flush=True)
    rates = " | ".join(f"{total[test] / everything:.2%} ({_interval(total[test], everything)})" for test in TESTS)
    print(f"| all | | {everything:,} | {rates} | | |")


def _interval(hits: int, rows: int) -> str:
    from torneo.watch.performance import wilson

    low, high = wilson(hits, rows, 0.95)
    return f"{max(0.0, low):.2%} to {high:.2%}"


def drawn(population: pl.DataFrame, rows: int, random: np.random.Generator) -> pl.DataFrame:
    return population[random.integers(0, population.height, rows)]


CHANGES: dict[str, tuple[str, tuple[float, ...]]] = {
    "shift, standard deviations": ("Sales", (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)),
    "scale, factor - 1": ("Sales", (0.1, 0.25, 0.5, 1)),
    "new category, share": ("StoreType", (0.005, 0.01, 0.02, 0.05, 0.1)),
    "missing, share": ("Sales", (0.02, 0.05, 0.1, 0.2)),
}


def changed(now: pl.DataFrame, kind: str, size: float, random: np.random.Generator) -> pl.DataFrame:
    """A window with drift put in."""
    name = CHANGES[kind][0]
    column, some = pl.col(name), pl.Series(random.random(now.height) < size)
    if kind.startswith("shift"):
        return now.with_columns(column + size * column.std())
    if kind.startswith("scale"):
        return now.with_columns(column.mean() + (1 + size) * (column - column.mean()))
    value = pl.lit("e") if kind.startswith("new") else pl.lit(None)
    return now.with_columns(pl.when(some).then(value).otherwise(column).alias(name))


def curves(ask: Ask | None, random: np.random.Generator, data: Path, windows: int) -> None:
    """How often drift that was put into one column of rossmann is found in it."""
    population = populations(data)["rossmann"]
    print(
        "| drift | size | " + " | ".join(f"{size:,} rows, {who}" for size in POWER for who in ("Torneo", "Evidently"))
    )
    print("|---|---:|" + "---:|" * (2 * len(POWER)))
    for kind, (column, sizes) in CHANGES.items():
        for size in sizes:
            cells = []
            for rows in POWER:
                ours, theirs = 0, 0
                for _ in range(windows):
                    before = drawn(population, TRAINED, random)
                    now = changed(drawn(population, rows, random), kind, size, random)
                    of_training = trained(before)
                    ours += column in drift(of_training, sketch(of_training, now)).columns
                    if ask is not None:
                        theirs += any(ask("verdicts", before.select(column), now.select(column)).values())
                cells += [f"{ours / windows:.0%}", f"{theirs / windows:.0%}" if ask else ""]
            print(f"| {kind} | {size:g} | " + " | ".join(cells) + " |", flush=True)


POWER = (100, 500, 2_000, 10_000)


def real(data: Path) -> None:
    """What there is in the data themselves: rossmann through 2015 by month, after training on the years before."""
    sales = pl.read_csv(
        data / "rossmann_sales_100stores.csv", try_parse_dates=True, schema_overrides={"StateHoliday": pl.String}
    )
    rows = sales.filter((pl.col("Open") == 1) & (pl.col("Sales") > 0)).drop("Customers", "Open", "Store")
    rows = rows.with_columns(pl.col("Promo", "SchoolHoliday", "DayOfWeek").cast(pl.String)).sort("Date")
    year = pl.col("Date").dt.year()
    of_training = trained(rows.filter(year < 2015).drop("Date"))
    print("| month | rows | drifted | what was found |\n|---|---:|---|---|")
    for (month,), part in rows.filter(year == 2015).group_by(pl.col("Date").dt.month(), maintain_order=True):
        report = drift(of_training, sketch(of_training, part.drop("Date")))
        print(f"| 2015-{month:02} | {part.height:,} | {', '.join(report.columns)} | {' '.join(report.words[1:3])} |")


def main() -> int:
    """Run one part and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["speed", "alarms", "level", "curves", "real"])
    parser.add_argument("--evidently", help="the Python of an environment with Evidently")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TORNEO_DATA", ".")))
    parser.add_argument("--windows", type=int, default=100, help="windows per line of the table")
    parser.add_argument("--asked", type=int, default=20, help="so many of them are shown to Evidently (alarms)")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    random = np.random.default_rng(chosen.seed)
    if chosen.part == "real":
        real(chosen.data)
        return 0
    with evidently(chosen.evidently) as ask:
        if chosen.part == "speed":
            speed(ask, random)
        elif chosen.part in ("alarms", "level"):
            alone = chosen.part == "level"
            alarms(ask, random, chosen.data, chosen.windows, chosen.asked, by_chance_alone=alone)
        else:
            curves(ask, random, chosen.data, chosen.windows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
