"""Logged predictions as the present champion sees them: its features, and sketches against its training rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from torneo.engines.logged import features
from torneo.promotion import Champion
from torneo.serving.model import Model
from torneo.spec.project import Project
from torneo.spec.records import ANSWERS
from torneo.watch import logged
from torneo.watch.logged import ACTUAL, Cut
from torneo.watch.sketch import Baseline, Categories, Sketch, Sketches, merge, sketch


@dataclass(frozen=True)
class Read:
    """A window of the log, of whose rows some are kept."""

    cut: Cut
    sketches: Sketches
    rows: pl.DataFrame
    """id, of, version, role, `__actual__`, answers, and the columns that there are slices by."""
    labelled: int


@dataclass(frozen=True)
class Reigning:
    """The champion with what its predictions are held against."""

    project: Project
    champion: Champion
    model: Model

    @cached_property
    def marked(self) -> frozenset[str]:
        """Personal data."""
        return frozenset(self.project.contract.personal)

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """Features that the log has as hashes, or not at all."""
        return tuple(each["name"] for each in self.model.scorer.info["features"] if each["name"] in self.marked)

    @cached_property
    def baseline(self) -> Baseline:
        """The training rows' features that the log has, and the model's answers."""
        everything = Baseline.read(self.model.scorer.info["baseline"])
        names = {each["name"] for each in self.model.scorer.info["features"]} - self.marked | {ANSWERS}
        return Baseline({name: column for name, column in everything.columns.items() if name in names})

    @cached_property
    def categorical(self) -> tuple[str, ...]:
        """The columns that there may be slices by: the project's `judge.slices`, or all categorical features."""
        columns = self.baseline.columns.items()
        found = [name for name, column in columns if isinstance(column, Categories) and name != ANSWERS]
        return tuple(name for name in self.project.judge.slices if name in found) or tuple(found)

    def columns(self, inputs: pl.Series) -> pl.DataFrame:
        """The features of logged inputs (JSON), as far as the log has them."""
        made = features(self.model.scorer, self.model.decoder, inputs, self.marked)
        return made.select(name for name in made.columns if name in self.baseline.columns)

    def sketches(self, frame: pl.DataFrame, made: pl.DataFrame) -> Sketches:
        """Of the inputs of lines, and of this champion's answers among them.

        Args:
            made: `columns` of the same lines.
        """
        is_own = frame["version"] == self.champion.number
        found: dict[str, Sketch] = {}
        for part in logged.asked_for(made, is_own):
            found |= merge(found, sketch(self.baseline, part))
        own = frame["output"].filter(is_own)
        if ANSWERS in self.baseline.columns and len(own):
            answer = logged.watched_answer(logged.answers(own, self.project.classes))
            found |= sketch(self.baseline, pl.DataFrame({ANSWERS: answer}))
        return found

    def sketched(self, frames: Iterable[pl.DataFrame]) -> tuple[Cut, Sketches] | None:
        """A window's sketches; None if nothing was returned in it."""
        cut: Cut | None = None
        sketches: Sketches = {}
        for frame in frames:
            returned = frame.filter(pl.col("role") != "shadow")
            if returned.height:
                cut = logged.widened(cut, returned)
                sketches = merge(sketches, self.sketches(returned, self.columns(returned["inputs"])))
        return None if cut is None else (cut, sketches)

    def read(self, frames: Iterable[pl.DataFrame]) -> Read | None:
        """A window's sketches and rows; None if nothing was returned in it."""
        cut: Cut | None = None
        sketches: Sketches = {}
        kept: pl.DataFrame | None = None
        labelled = 0
        for frame in frames:
            made = self.columns(frame["inputs"])
            is_returned = frame["role"] != "shadow"
            returned = frame.filter(is_returned)
            if returned.height:
                cut = logged.widened(cut, returned)
                sketches = merge(sketches, self.sketches(returned, made.filter(is_returned)))
                labelled += returned.height - returned["outcome"].null_count()
            rows = self._rows(frame, made)
            kept = logged.drawn(rows if kept is None else pl.concat([kept, rows]))
        if cut is None or kept is None:
            return None
        return Read(cut, sketches, logged.with_shadows(kept).drop("id", "of"), labelled)

    def _rows(self, frame: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
        classes = self.project.classes
        place = logged.place(pl.coalesce("of", "id"))  # an answer and its shadow are drawn together
        actual = logged.outcomes(frame["outcome"], classes).alias(ACTUAL)
        rows = frame.select("id", "of", place, "version", "role", actual)
        slices = made.select(f"^{name}$" for name in self.categorical if name in made.columns)
        answers = logged.answers(frame["output"], classes)
        taken = [name for name in slices.columns if name in answers.columns or name in rows.columns]
        return pl.concat([rows, answers, slices.drop(taken)], how="horizontal")
