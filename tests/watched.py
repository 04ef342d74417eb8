"""A small trained project on stores in memory, asked at chosen moments, for tests of the watchdog."""

from __future__ import annotations

import dataclasses
import datetime
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

import small
from torneo import promotion
from torneo.orchestration.local import run
from torneo.ports import Outcome
from torneo.spec.project import Project
from torneo.stages.context import Context
from torneo.testing import FixedClock, MemoryPredictionLog, MemoryState
from torneo.testing.small_log import FIRST, prediction
from torneo.watchdog.desk import Desk, Message, Retrained
from torneo.watchdog.watchdog import Passed, watch
from torneo.watching import Models

FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
RECORDS = ("step/ingest", "step/validate", "step/prepare", "step/train:line", "step/judge")
HOUR = datetime.timedelta(hours=1)


@cache
def trained() -> Context:
    """A regression with one version, which is champion; nothing may write to its stores."""
    FOLDERS.append(tempfile.TemporaryDirectory())
    folder = Path(FOLDERS[0].name)
    small.table(600, classes=False).write_csv(folder / "data.csv")
    context = small.context(small.project(classes=False), folder)
    run(context, "ada", lambda _: None)
    return context


@dataclass
class Kennel:
    """A watchdog's desk, and what it looks at."""

    desk: Desk
    clock: FixedClock
    log: MemoryPredictionLog
    models: Models
    told: list[Message]
    trained: list[str]
    """The reasons for which it was trained."""
    asked: int = 0

    def now(self, moment: datetime.datetime) -> None:
        """Move the clock there."""
        self.clock.advance((moment - self.clock.now()).total_seconds())

    def ask(
        self, frame: pl.DataFrame, since: datetime.datetime, seconds: float = 1.0, *, error: float | None = None
    ) -> Sequence[str]:
        """Have the champion answer rows in turn; with `error`, an outcome so far off comes after a second."""
        champion = promotion.champion(self.desk.state, "small")
        assert champion is not None
        rows = frame.drop("y").with_columns(pl.col("day").dt.to_string()).to_dicts()
        answers = self.models.rescore(champion, rows)
        lines, outcomes = [], []
        for place, (row, answer) in enumerate(zip(rows, answers.tolist(), strict=True)):
            self.asked += 1
            second = int((since - FIRST).total_seconds() + place * seconds)
            output = json.dumps({"prediction": answer})
            line = prediction(second, project="small", version=champion.number, inputs=json.dumps(row), output=output)
            line = line._replace(id=f"{line.id[:24]}{self.asked:012x}", request=f"request-{self.asked}")
            lines.append(line)
            if error is not None:
                sign = 1 if place % 2 else -1
                value = json.dumps(answer + sign * error)
                outcomes.append(Outcome("small", line.id, value, line.at + 1_000_000))
        self.log.append(lines)
        self.log.add_outcomes(outcomes)
        return [line.id for line in lines]

    def watch(self, **parts: Any) -> Passed:
        """A pass."""
        return watch(dataclasses.replace(self.desk, **parts))


def kennel(folder: Path, content: str | None = None, **declared: Any) -> Kennel:
    """A desk at noon of the first of March 2026; `declared` is what `watch:` says."""
    context, clock = trained(), FixedClock(FIRST)
    state, log = MemoryState(clock), MemoryPredictionLog()
    for entry in context.state.read("small", "decisions"):
        state.append("small", "decisions", entry.id, entry.body)
    for name in RECORDS:
        state.put("small", name, context.state.get("small", name))
    project = Project.model_validate({**context.project.model_dump(exclude_unset=True), "watch": declared})
    models, told, reasons = Models(project, context.objects, folder / "serving", 1), [], []

    def retrain(why: str) -> Retrained:
        reasons.append(why)
        return Retrained(verdict="keep", champion=1, unchanged=False, words="Keep: version 1 stays.")

    ingested = state.get("small", "step/ingest")
    assert ingested is not None
    desk = Desk(
        project=project,
        state=state,
        log=log,
        refusals=log,
        registry=context.registry,
        objects=context.objects,
        clock=clock,
        owner="ada@test",
        fingerprint=lambda: content or str(ingested["inputs"]["source content"]),
        retrain=retrain,
        rescore=models.rescore,
        columns=models.columns,
        channels={"mail": told.append},
    )
    return Kennel(desk, clock, log, models, told, reasons)
