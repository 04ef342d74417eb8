"""A prediction log in memory."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torneo.ports import Claim, LogFilter, Logged, Outcome, Prediction
from torneo.ports.prediction_log import EPOCH, first_id
from torneo.ports.refusals import Refused, minutes

if TYPE_CHECKING:
    import polars as pl

Place = tuple[str, str]
"""A project and an id."""


class MemoryPredictionLog:
    """A prediction log that lasts as long as the process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._lines: dict[Place, Prediction] = {}
        self._outcomes: dict[Place, Outcome] = {}
        self._claims: dict[tuple[str, str, str], Claim] = {}
        self._refused: dict[tuple[str, int, str], int] = {}

    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        """Write all of it, once per id; gives the claims that stand in the way."""
        with self._guard:
            standing = {}
            for claim in claims:
                first = self._claims.setdefault(claim[:3], claim)
                if first.request != claim.request:
                    standing[claim.request] = first
            for line in predictions:
                if line.request not in standing:
                    self._lines.setdefault((line.project, line.id), line)
            return standing

    def claim(self, project: str, key: str, name: str) -> Claim | None:
        """The claim on an idempotency key, or None."""
        return self._claims.get((project, key, name))

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> Sequence[str]:
        """Write outcomes; gives the ids nobody has heard of, each once."""
        unknown = []
        with self._guard:
            for outcome in outcomes:
                place = (outcome.project, outcome.prediction)
                if place not in self._lines:
                    unknown.append(outcome.prediction)
                elif place not in self._outcomes or self._outcomes[place].at <= outcome.at:
                    self._outcomes[place] = outcome
        return list(dict.fromkeys(unknown))

    def get(self, project: str, id: str) -> Logged | None:  # noqa: A002
        """One line, or None."""
        with self._guard:
            line = self._lines.get((project, id))
            return None if line is None else self._logged(line)

    def page(self, project: str, wanted: LogFilter, *, before: str | None = None, limit: int = 100) -> Sequence[Logged]:
        """Lines, the newest first, older than the id `before`."""
        with self._guard:
            found = [line for line in self._found(project, wanted) if before is None or line.id < before]
            return [self._logged(line) for line in found[::-1][:limit]]

    def scan(self, project: str, wanted: LogFilter, *, rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """All lines, oldest first, in frames of at most so many rows."""
        import polars as pl

        moment = pl.Datetime("us", "UTC")
        kinds = {"time": moment, "version": pl.Int64(), "latency_ms": pl.Float64(), "outcome_time": moment}
        names = (
            *("id", "time", "request", "key", "version", "role", "inputs", "output", "latency_ms", "of", "entity"),
            *("outcome", "outcome_time"),
        )
        with self._guard:
            found = [self._row(line) for line in self._found(project, wanted)]
        for start in range(0, len(found), rows):
            schema = {name: kinds.get(name, pl.String()) for name in names}
            yield pl.DataFrame(found[start : start + rows], schema=schema, orient="row")

    def prune(self, project: str, before: datetime.datetime) -> int:
        """Remove lines that are older, with their outcomes and claims; gives how many lines."""
        moment = (before - EPOCH) // datetime.timedelta(microseconds=1)
        with self._guard:
            for place in [each for each in self._refused if each[0] == project and each[1] < minutes(before)]:
                del self._refused[place]
            old = [claim for claim in self._claims.values() if claim.project == project and claim.at < moment]
            return self._remove(self._found(project, LogFilter(until=before)), old)

    def erase(self, project: str, entity: str) -> int:
        """Remove all lines of an entity, with their outcomes and claims; gives how many lines."""
        with self._guard:
            lines = self._found(project, LogFilter(entity=entity)) if entity else []
            requests = {line.request for line in lines}
            claims = [each for each in self._claims.values() if each.project == project and each.request in requests]
            return self._remove(lines, claims)

    def count_refused(self, counts: Sequence[Refused]) -> None:
        """Add to the counts that are there."""
        with self._guard:
            for each in counts:
                self._refused[each[:3]] = self._refused.get(each[:3], 0) + each.number

    def refused(self, project: str, since: datetime.datetime, until: datetime.datetime) -> Sequence[Refused]:
        """The counts of the minutes that begin from `since` on and before `until`."""
        with self._guard:
            found = [Refused(*place, count) for place, count in self._refused.items() if place[0] == project]
        return sorted(each for each in found if minutes(since) <= each.minute < minutes(until))

    def _remove(self, lines: Sequence[Prediction], claims: Sequence[Claim]) -> int:
        for line in lines:
            del self._lines[line.project, line.id]
            self._outcomes.pop((line.project, line.id), None)
        for claim in claims:
            del self._claims[claim[:3]]
        return len(lines)

    def _found(self, project: str, wanted: LogFilter) -> list[Prediction]:
        """The lines of a project that pass a filter, oldest first."""
        lines = (line for line in self._lines.values() if line.project == project and self._passes(line, wanted))
        return sorted(lines, key=lambda line: line.id)

    def _passes(self, line: Prediction, wanted: LogFilter) -> bool:
        labelled = (line.project, line.id) in self._outcomes
        return (
            (wanted.since is None or line.id >= first_id(wanted.since))
            and (wanted.until is None or line.id < first_id(wanted.until))
            and (wanted.labelled is None or wanted.labelled == labelled)
            and all(
                asked is None or asked == found
                for asked, found in (
                    (wanted.version, line.version),
                    (wanted.role, line.role),
                    (wanted.key, line.key),
                    (wanted.request, line.request),
                    (wanted.entity, line.entity),
                )
            )
        )

    def _logged(self, line: Prediction) -> Logged:
        outcome = self._outcomes.get((line.project, line.id))
        return Logged(
            id=line.id,
            time=_moment(line.at),
            request=line.request,
            key=line.key,
            version=line.version,
            role=line.role,
            inputs=json.loads(line.inputs),
            output=json.loads(line.output),
            latency_ms=line.latency / 1000,
            of=line.of or None,
            outcome=None if outcome is None else json.loads(outcome.value),
            outcome_time=None if outcome is None else _moment(outcome.at),
        )

    def _row(self, line: Prediction) -> tuple[Any, ...]:
        outcome = self._outcomes.get((line.project, line.id))
        return (
            *(line.id, _moment(line.at), line.request, line.key, line.version, line.role, line.inputs, line.output),
            *(line.latency / 1000, line.of or None, line.entity or None),
            *((None, None) if outcome is None else (outcome.value, _moment(outcome.at))),
        )


def _moment(at: int) -> datetime.datetime:
    return EPOCH + datetime.timedelta(microseconds=at)
