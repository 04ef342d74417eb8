"""Traffic drifts, the watchdog notices and trains again, and predictions are good again: by commands alone."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import small
from e2e.command import torneo
from torneo.cli import Exit

pytestmark = pytest.mark.slow

DRIFT = ("--drift", "shift:a=8")
FOREST = {"model": "random_forest", "params": {"n_estimators": 40, "min_samples_leaf": 3}}
PER_DAY = 300


class Loop:
    """A project with a champion, and rows that it has never seen."""

    def __init__(self, folder: Path, there: Mapping[str, str]) -> None:
        self.folder, self.home, self.there = folder / "small", folder / "home", there
        self.folder.mkdir()
        rows = small.table(4000, classes=False)
        rows[:1000].write_csv(self.folder / "data.csv")
        rows[1000:].write_csv(self.folder / "coming.csv")
        body = small.project(classes=False).model_dump(mode="json", exclude_unset=True)
        watched = {"window": "1d", "retrain": {"when": ["drift", "performance"]}, "latency": None}
        body |= {"challengers": {"forest": FOREST}, "watch": watched}
        (self.folder / "project.yaml").write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")

    def torneo(self, *arguments: str, expect: Exit = Exit.OK) -> Any:
        command, *rest = arguments
        return torneo(command, str(self.folder), *rest, home=self.home, expect=expect, **self.there)

    def play(self, *more: str) -> Mapping[str, Any]:
        coming = str(self.folder / "coming.csv")
        played: Mapping[str, Any] = self.torneo(
            "simulate", "--from", coming, "--per-day", str(PER_DAY), "--json", *more
        ).json
        return played

    def watch(self, expect: Exit) -> Mapping[str, Any]:
        [passed] = self.torneo("watch", "--simulated", "--json", expect=expect).json
        assert isinstance(passed, dict), passed
        return passed

    def errors(self) -> dict[tuple[datetime.date, int], float]:
        """The root mean squared error of each day and version, from the log."""
        file = self.home / "log.parquet"
        torneo("log", "export", str(self.folder), "--out", str(file), home=self.home, **self.there)
        answer = pl.col("output").str.json_decode(pl.Struct({"prediction": pl.Float64()})).struct.field("prediction")
        error = (answer - pl.col("outcome").cast(pl.Float64)).pow(2).mean().sqrt()
        days = pl.read_parquet(file).group_by(pl.col("time").dt.date(), "version").agg(error.alias("error"))
        return {(day, version): value for day, version, value in days.iter_rows()}


def test_the_loop_closes(tmp_path: Path) -> None:
    closes(Loop(tmp_path, {}))


def test_the_loop_closes_in_postgresql(tmp_path: Path, postgres_database: str) -> None:
    closes(Loop(tmp_path, {"TORNEO_STATE": postgres_database}))


def closes(loop: Loop) -> None:
    """Quiet days, drifted days, an alert, a new champion, good days."""
    loop.torneo("run")
    quiet = loop.play("--days", "3")
    assert [day["answered"] for day in quiet["days"]] == [PER_DAY] * 3
    assert quiet["outcomes"] == 3 * PER_DAY
    passed = loop.watch(Exit.OK)
    assert (passed["windows"], passed["events"], passed["done"]) == (3, [], []), "nothing has happened"

    seen: dict[str, str] = {}
    for number in range(4):  # noqa: B007 - it is told below
        days = loop.play("--days", "1", *DRIFT, "--grow", str(loop.folder / "data.csv"))
        assert days["grown"] == PER_DAY, "the source gets what was answered, with what came of it"
        passed = loop.watch(Exit.FINDINGS)
        seen |= {f"{event['rule']} {event['subject']}": event["event"] for event in passed["events"]}
        if passed["done"]:
            break
    assert seen.get("drift a") == "opened", seen
    assert seen.get("performance rmse") == "opened", seen
    [done] = passed["done"]
    assert done.startswith("retrained: Promote: 'forest' becomes champion in place of version 1"), done
    assert passed["champion"] == 2
    [*_, decided] = loop.torneo("history", "--json").json
    assert "Trained by the watchdog" in decided["body"]["why"]

    for _ in range(2):
        after = loop.play("--days", "1", *DRIFT)
        passed = loop.watch(Exit.FINDINGS)
        seen |= {f"{event['rule']} {event['subject']}": event["event"] for event in passed["events"]}
        assert passed["done"] == [], "the source has nothing new"
    assert seen["performance rmse"] == "closed", "predictions are good again"

    errors = loop.errors()
    last = datetime.date.fromisoformat(after["days"][0]["day"])
    before = errors[datetime.date.fromisoformat(quiet["days"][0]["day"]), 1]
    worst = max(errors.values())
    assert worst > 2 * before, f"the drift has done harm: {errors}"
    assert errors[last, 2] < before + (worst - before) / 3, f"most of the harm is undone: {errors}"

    marked = loop.torneo("simulate", "--reset").out
    assert marked.startswith(f"{PER_DAY * (3 + number + 1 + 2):,} simulated lines removed")
