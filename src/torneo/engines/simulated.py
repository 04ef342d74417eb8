"""The two ways by which rows that are played reach a model: straight into the log, or through a running server."""

from __future__ import annotations

import datetime
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import polars as pl
from pydantic_core import to_json

from torneo.client import AnswerError, Client, UnreachableError
from torneo.engines.answers import as_sent, log_lines, score
from torneo.engines.batch import Asked, sort_rows
from torneo.errors import ConflictError, UnavailableError
from torneo.ports import Outcome, PredictionLog, RefusalLog
from torneo.ports.refusals import REQUESTS, Refused
from torneo.serving.endpoint import Call
from torneo.serving.ids import milliseconds_of, new_ids
from torneo.serving.model import Model
from torneo.serving.privacy import Privacy
from torneo.simulation.past import MARK
from torneo.spec.project import Project
from torneo.spec.records import LINE

AT_ONCE = 5_000
"""So many lines are written, or outcomes reported, at a time."""
REPORTED = 1_000
MICROSECOND = datetime.timedelta(microseconds=1)
BROKEN = 422
"""The status of a request that breaks the contract."""


class Sent(NamedTuple):
    """What became of rows."""

    ids: Sequence[str | None]
    """The id of the answer to each row; None where it was refused."""
    reasons: Mapping[str, int]
    """How many rows were refused for each reason."""
    version: int | None
    """Who answered last."""


class Way(Protocol):
    """How rows reach a model; times are milliseconds since 1970 in UTC."""

    def send(self, frame: pl.DataFrame, times: Sequence[int]) -> Sent:
        """Ask about rows in the contract's types, one request each."""
        ...

    def report(self, outcomes: Mapping[str, Any], later: datetime.timedelta) -> None:
        """Say what really happened, by the ids of the answers, so long after them."""
        ...


@dataclass(frozen=True)
class Straight:
    """By the way of `torneo predict --log`, at moments that may be still to come."""

    project: Project
    model: Model
    asked: Asked
    privacy: Privacy
    log: PredictionLog
    refusals: RefusalLog

    def send(self, frame: pl.DataFrame, times: Sequence[int]) -> Sent:
        """Answer rows and log them; those that are refused are counted in their minute, as a server does."""
        started = time.perf_counter_ns()
        rows = sort_rows(self.asked, frame.drop(self.project.target).with_columns(_line(frame.height)))
        ids = [new_ids(1, at)[0] if good else None for at, good in zip(times, rows.good, strict=True)]
        moments = {id_: at for id_, at in zip(ids, times, strict=True) if id_ is not None}
        if moments:
            answers, call = score(self.model, rows.typed), Call("", MARK, started)
            made, at = list(moments), [each * 1000 for each in moments.values()]
            lines = log_lines(self.model, self.privacy, call, rows.typed, answers, made, at, rows.warnings)
            for start in range(0, len(lines), AT_ONCE):
                part = lines[start : start + AT_ONCE]
                self.log.append([line._replace(request=line.id, entity=MARK) for line in part])
        self._count([at for at, good in zip(times, rows.good, strict=True) if not good], rows.refused)
        return Sent(ids, Counter(rows.refused.explode().drop_nulls().to_list()), self.model.version)

    def _count(self, times: Sequence[int], refused: pl.Series) -> None:
        counts: Counter[tuple[int, str]] = Counter()
        for at, reasons in zip(times, refused, strict=True):
            counts.update((at // 60_000, reason) for reason in [REQUESTS, *reasons])
        if counts:
            name = self.project.project
            told = [Refused(name, minute, reason, number) for (minute, reason), number in counts.items()]
            self.refusals.count_refused(told)

    def report(self, outcomes: Mapping[str, Any], later: datetime.timedelta) -> None:
        """Write outcomes at their moments."""
        name, wait = self.project.project, later // MICROSECOND
        lines = [
            Outcome(name, id_, to_json(value).decode(), milliseconds_of(id_) * 1000 + wait, MARK)
            for id_, value in outcomes.items()
        ]
        for start in range(0, len(lines), AT_ONCE):
            self.log.add_outcomes(lines[start : start + AT_ONCE])


def _line(rows: int) -> pl.Series:
    return pl.int_range(1, rows + 1, eager=True).alias(LINE)


@dataclass(frozen=True)
class Served:
    """Through a running server, whose moments are its own."""

    project: Project
    client: Client

    def send(self, frame: pl.DataFrame, times: Sequence[int]) -> Sent:  # noqa: ARG002 - the port's parameters
        """Ask about rows, one after the other; one that breaks the contract is refused.

        Raises:
            UnavailableError: the server does not answer.
            ConflictError: it refuses the caller.
        """
        sent = as_sent(self.project.contract.columns, frame.drop(self.project.target))
        ids: list[str | None] = []
        reasons: Counter[str] = Counter()
        version = None
        for row in sent.to_dicts():
            given = {name: value for name, value in row.items() if value is not None}
            try:
                made = self.client.predict(json.loads(to_json(given)))
            except AnswerError as error:
                if error.status != BROKEN:
                    raise ConflictError(f"the server refuses to answer: {error.message[:300]}") from None
                ids.append(None)
                reasons.update({str(each.get("reason") or each.get("detail")) for each in error.problem["errors"]})
            except UnreachableError as error:
                raise UnavailableError(error.message, fix=error.fix) from None
            else:
                ids.append(made.prediction_id)
                version = made.version
        return Sent(ids, reasons, version)

    def report(self, outcomes: Mapping[str, Any], later: datetime.timedelta) -> None:  # noqa: ARG002 - the same
        """Report outcomes, now."""
        listed = list(outcomes.items())
        for start in range(0, len(listed), REPORTED):
            self.client.report_many(dict(listed[start : start + REPORTED]))
