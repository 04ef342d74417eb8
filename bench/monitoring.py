"""Drift, performance and traffic over a log of millions of lines in SQLite: seconds and memory.

    python bench/monitoring.py [--rows 10000000]

A linear model of ten columns (diabetes, which scikit-learn brings) is trained; the log gets as many of its rows as are
asked for, over thirty days, with an outcome for every tenth. Each question runs in a process of its own, over a tenth
of the log and over all of it: memory that does not grow with the log is about the same in both.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BATCH = 20_000
DAYS = 30
START = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
SECOND = 1_000_000
QUESTIONS = ("drift", "performance", "stats")


def prepare(folder: Path, rows: int) -> float:
    """Train, and fill the log; gives the lines per second."""
    from torneo import api

    declared = (ROOT / "projects" / "diabetes" / "project.yaml").read_text(encoding="utf-8")
    (folder / "diabetes").mkdir()
    linear = declared.replace("challengers: auto", "challengers: {line: {model: linear}}")
    (folder / "diabetes" / "project.yaml").write_text(linear, encoding="utf-8")
    project = api.Project.load("diabetes")
    project.run()
    return fill(project, rows)


def fill(project: Any, rows: int) -> float:
    """Write rows of the source, answered once each by the champion."""
    from sklearn.datasets import load_diabetes

    from torneo.monitoring import LogMonitor
    from torneo.ports import Outcome, Prediction
    from torneo.ports.prediction_log import EPOCH

    reigning = LogMonitor.of(project.runtime, project.training)._champion()
    frame = load_diabetes(as_frame=True, scaled=False).data
    known = frame.to_dict("records")
    answers = reigning.model.answers(reigning.model.decoder.decode(known).columns)
    lines = [
        (json.dumps(row), json.dumps(answer), answer["prediction"]) for row, answer in zip(known, answers, strict=True)
    ]
    first, step = int((START - EPOCH).total_seconds()) * SECOND, DAYS * 86400 * SECOND // rows
    version, numbers = reigning.champion.number, iter(range(rows))
    started = time.perf_counter()
    while part := list(itertools.islice(numbers, BATCH)):
        predictions, outcomes = [], []
        for number in part:
            at = first + number * step
            digits = f"{at // 1000:012x}"
            id = f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"  # noqa: A001 - the field's name
            inputs, output, value = lines[number * 7919 % len(lines)]
            predictions.append(
                Prediction(
                    id, "diabetes", at, f"r{number}", "", version, "champion", inputs, output, 1000 + number % 997
                )
            )
            if number % 10 == 0:
                outcomes.append(Outcome("diabetes", id, str(value + number % 41 - 20), at + 3600 * SECOND))
        project.runtime.predictions.append(predictions)
        project.runtime.predictions.add_outcomes(outcomes)
    return rows / (time.perf_counter() - started)


def ask(question: str, days: int) -> dict[str, float]:
    """Seconds and the largest memory, in MiB, of one question over so many days."""
    from torneo import api
    from torneo.monitoring import LogMonitor
    from torneo.watch.views import Asked

    project = api.Project.load("diabetes")
    monitor = LogMonitor.of(project.runtime, project.training)
    monitor._champion()
    asked = Asked(since=START, until=START + datetime.timedelta(days=days), window="1d")
    started = time.perf_counter()
    view = getattr(monitor, question)(asked)
    took = time.perf_counter() - started
    rows = view.report.rows if question == "drift" else view.rows
    return {"rows": rows, "seconds": took, "mib": peak_mib()}


def peak_mib() -> float:
    """The most memory that this process has had; what getrusage says may be its parent's."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Fill a log, and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.ask:
        sys.stdout.write(json.dumps(ask(chosen.ask[0], int(chosen.ask[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TORNEO_HOME": f"{folder}/home", "TORNEO_PROJECTS": folder, "TORNEO_JOBS": "1"}
        speed = prepare(Path(folder), chosen.rows)
        sys.stdout.write(f"{chosen.rows:,} lines written, {speed:,.0f} a second\n")
        for question, days in itertools.product(QUESTIONS, (DAYS // 10, DAYS)):
            command = [sys.executable, __file__, "--ask", question, str(days)]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            rate, rows = told["rows"] / told["seconds"], f"{question} of {told['rows']:,} rows"
            sys.stdout.write(f"{rows:32} {told['seconds']:7.1f} s {rate:9,.0f} rows/s {told['mib']:6.0f} MiB\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
