"""Outcomes that are known of a version's answers, in the form that metrics read."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from torneo.judge.predictions import Predictions
from torneo.ports import LogFilter, PredictionLog
from torneo.ports.prediction_log import EPOCH
from torneo.spec.watchdog import WindowSize
from torneo.watch.logged import answers, outcomes

if TYPE_CHECKING:
    import polars as pl

MOST = 200_000
"""So many outcomes are looked at together, the last that came; a metric is no surer with more."""
MICROSECOND = datetime.timedelta(microseconds=1)
HORIZON = datetime.timedelta(days=90)
"""Outcomes of older predictions are not waited for."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Answers of one version with what really happened, n rows in the order of the predictions."""

    actual: npt.NDArray[Any]
    """Values (n,), or class indices (n,)."""
    predicted: npt.NDArray[np.float64]
    """Values (n,), or probabilities (n, classes)."""
    inputs: Sequence[str]
    """The rows as JSON, as the log has them."""
    reported: npt.NDArray[np.int64]
    """When the outcomes were reported (n,), in microseconds since 1970."""

    def __len__(self) -> int:
        return len(self.actual)

    def predictions(self, predicted: npt.NDArray[np.float64] | None = None) -> Predictions:
        """For the judge; with other answers to the same rows in place of these."""
        nothing = np.zeros(len(self), dtype=np.int64)
        answers = self.predicted if predicted is None else np.asarray(predicted, dtype=np.float64)
        return Predictions(self.actual, answers, nothing, nothing)

    def between(self, since: datetime.datetime, until: datetime.datetime) -> Labelled:
        """Those whose outcomes were reported from `since` on and before `until`."""
        taken = (self.reported >= _microseconds(since)) & (self.reported < _microseconds(until))
        inputs = [self.inputs[place] for place in np.flatnonzero(taken).tolist()]
        return Labelled(self.actual[taken], self.predicted[taken], inputs, self.reported[taken])

    def parsed(self) -> list[Mapping[str, Any]]:
        """The rows."""
        return [json.loads(text) for text in self.inputs]


def labelled(
    log: PredictionLog,
    project: str,
    classes: Sequence[str],
    wanted: LogFilter,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> Labelled:
    """What is known of the wanted answers; only outcomes that were reported from `since` on and before `until`."""
    import polars as pl

    kept: list[pl.DataFrame] = []
    for frame in log.scan(project, wanted.model_copy(update={"labelled": True})):
        part = frame.filter(pl.col("role") != "shadow").select("inputs", "output", "outcome", "outcome_time")
        if since is not None:
            part = part.filter(pl.col("outcome_time") >= since)
        if until is not None:
            part = part.filter(pl.col("outcome_time") < until)
        kept.append(part)
        while len(kept) > 1 and sum(each.height for each in kept[1:]) >= MOST:
            kept.pop(0)
    rows = pl.concat(kept).tail(MOST) if kept else None
    return _arrays(rows, classes)


def _arrays(rows: pl.DataFrame | None, classes: Sequence[str]) -> Labelled:
    import polars as pl

    if rows is None or not rows.height:
        return Labelled(np.zeros(0), np.zeros((0, len(classes)) if classes else 0), (), np.zeros(0, dtype=np.int64))
    answered, actual = answers(rows["output"], classes), outcomes(rows["outcome"], classes)
    whole = answered.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    known = actual.is_not_null() & whole
    answered, actual = answered.filter(known), actual.filter(known)
    predicted = answered.to_numpy() if classes else answered.to_series().to_numpy()
    truth = actual.to_numpy()
    rows = rows.filter(known)
    reported = rows["outcome_time"].dt.epoch("us").to_numpy()
    return Labelled(truth.astype(np.int64) if classes else truth, predicted, rows["inputs"].to_list(), reported)


def ends(rows: Labelled, size: WindowSize, until: datetime.datetime) -> Iterator[datetime.datetime]:
    """Where windows of the reports of outcomes end: as windows of predictions do, but that those of so many outcomes
    keep together what was reported in one moment, and what is left at `until` makes one more.
    """
    if size.seconds is not None:
        length = size.seconds * 1_000_000
        for number in np.unique(rows.reported // length).tolist():
            yield EPOCH + (number + 1) * length * MICROSECOND
        return
    assert size.rows is not None  # noqa: S101 - one of the two
    reported, place = np.sort(rows.reported), 0
    while place + size.rows < len(reported):
        moment = reported[place + size.rows - 1]
        place = int(np.searchsorted(reported, moment, side="right"))
        yield EPOCH + (int(moment) + 1) * MICROSECOND
    yield until


def _microseconds(moment: datetime.datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
