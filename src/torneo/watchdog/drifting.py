"""Drift of what is asked, and of what is answered, against the training rows of the champion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torneo.spec.records import ANSWERS
from torneo.watch.drift import drift
from torneo.watch.logged import answers, asked_for, watched_answer
from torneo.watch.report import sentence
from torneo.watch.sketch import Baseline, Sketches, merge, sketch
from torneo.watchdog.desk import Desk
from torneo.watchdog.findings import Finding, finding
from torneo.watchdog.rollback import Reign, bundle_info

if TYPE_CHECKING:
    import polars as pl

LARGEST = 1e6


@dataclass
class Drifting:
    """A window's distributions, in bounded memory."""

    desk: Desk
    present: Reign
    baseline: Baseline
    sketches: Sketches = field(default_factory=dict)

    @classmethod
    def of(cls, desk: Desk, present: Reign) -> Drifting:
        """For a window of the present champion."""
        return cls(desk, present, Baseline.read(bundle_info(desk, present)["baseline"]))

    def add(self, frame: pl.DataFrame) -> None:
        """Count lines of the log: the inputs of all that was answered, and the champion's answers."""
        import polars as pl

        asked = frame.filter(pl.col("role") != "shadow")
        if not asked.height:
            return
        champion = self.present.champion
        made = self.desk.columns(champion, asked["inputs"])
        known = [name for name in made.columns if name in self.baseline.columns]
        for part in asked_for(made.select(known), asked["version"] == champion.number):
            self._merge(part)
        answered = asked.filter(pl.col("version") == champion.number)["output"]
        if ANSWERS in self.baseline.columns and len(answered):
            made = answers(answered, self.desk.project.classes)
            self._merge(pl.DataFrame({ANSWERS: watched_answer(made)}))

    def _merge(self, frame: pl.DataFrame) -> None:
        self.sketches = merge(self.sketches, sketch(self.baseline, frame))

    def findings(self) -> list[Finding] | None:
        """The columns that drifted; None where there are too few rows to tell."""
        if not self.sketches:
            return None
        report = drift(self.baseline, self.sketches, self.desk.watch.drift)
        if report.verdict == "not enough rows":
            return None
        worst = {test.column: test for test in reversed(report.tests) if test.drifted}
        return [
            finding(
                "drift",
                "answers" if name == ANSWERS else name,
                value=test.effect or 0.0,
                bar=test.threshold,
                size=min((test.effect or 0.0) / test.threshold, LARGEST),
                why=sentence(test),
            )
            for name, test in worst.items()
        ]
