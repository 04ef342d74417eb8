"""What the prediction logs in SQLite and PostgreSQL have in common: the statements, and what their rows mean."""

from __future__ import annotations

import datetime
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from torneo.ports import Claim, LogFilter, Logged, Outcome, Prediction
from torneo.ports.prediction_log import first_id
from torneo.ports.refusals import Refused, minutes
from torneo.stores.sqlfile import named_statements

if TYPE_CHECKING:
    import polars as pl

SQL = named_statements(Path(__file__).with_name("prediction_log.sql"))
PIECE = 5_000
"""So many lines are removed in one transaction, so that nobody waits for long."""
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
Row = tuple[Any, ...]
Kind = Literal["predictions", "claims", "outcomes"]


class Session(Protocol):
    """A transaction."""

    def add(self, kind: Kind, rows: Sequence[Row]) -> int:
        """Write rows, in the order of the record's fields; gives how many were new or changed."""
        ...

    def known(self, project: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are in the log."""
        ...

    def rows(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a statement gives."""
        ...

    def run(self, statement: str, values: Mapping[str, Any]) -> int:
        """Run a statement; gives how many rows it changed."""
        ...


class SqlPredictionLog(ABC):
    """A prediction log on a database."""

    of_entity: ClassVar[str]
    """The condition that a line `p` is of an entity."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[Session]:
        """A transaction of one statement."""

    @abstractmethod
    def _begin(self) -> AbstractContextManager[Session]:
        """A transaction of several statements."""

    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        """Write all of it; it is on disk when this returns."""
        if not claims:
            if predictions:
                with self._alone() as session:
                    session.add("predictions", predictions)
            return {}
        with self._begin() as session:
            # in one order, so that two processes never wait for each other
            added = session.add("claims", sorted(claims, key=lambda claim: claim[:3]))
            standing = {} if added == len(claims) else _standing(session, claims)
            rest = [line for line in predictions if line.request not in standing] if standing else predictions
            if rest:
                session.add("predictions", rest)
        return standing

    def claim(self, project: str, key: str, name: str) -> Claim | None:
        """The claim on an idempotency key, or None."""
        with self._alone() as session:
            return _claim(session, project, key, name)

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> Sequence[str]:
        """Write outcomes; gives the ids nobody has heard of, each once."""
        wanted: dict[str, list[str]] = {}
        for outcome in outcomes:
            wanted.setdefault(outcome.project, []).append(outcome.prediction)
        if not wanted:
            return []
        with self._begin() as session:
            known = {project: session.known(project, ids) for project, ids in wanted.items()}
            last = {(each.project, each.prediction, each.at): each for each in outcomes}
            rows = [each for each in last.values() if each.prediction in known[each.project]]
            if rows:
                session.add("outcomes", sorted(rows))
        unknown = (each.prediction for each in outcomes if each.prediction not in known[each.project])
        return list(dict.fromkeys(unknown))

    def get(self, project: str, id: str) -> Logged | None:  # noqa: A002
        """One line, or None."""
        found = self._lines(project, {"id": id}, order="ASC", limit=1)
        return _logged(found[0]) if found else None

    def page(self, project: str, wanted: LogFilter, *, before: str | None = None, limit: int = 100) -> Sequence[Logged]:
        """Lines, the newest first, older than the id `before`."""
        conditions = _conditions(wanted)
        if before is not None:
            conditions["until"] = min(before, conditions.get("until", before))
        return [_logged(row) for row in self._lines(project, conditions, order="DESC", limit=limit)]

    def scan(self, project: str, wanted: LogFilter, *, rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """All lines, oldest first, in frames of at most so many rows."""
        conditions = _conditions(wanted)
        while True:
            found = self._lines(project, conditions, order="ASC", limit=rows)
            if found:
                yield _frame(found)
            if len(found) < rows:
                return
            conditions.pop("since", None)  # with two lower bounds SQLite would read from the lesser one each time
            conditions["after"] = found[-1][0]

    def prune(self, project: str, before: datetime.datetime) -> int:
        """Remove lines that are older, a few thousand at a time; gives how many lines."""
        removed = 0
        until, values = first_id(before), {"project": project, "rows": PIECE}
        while True:
            with self._alone() as session:
                piece = session.rows(SQL["piece"], {**values, "until": until})
            place = {"project": project, "until": piece[0][0] if piece else until}
            with self._begin() as session:
                session.run(SQL["prune_outcomes"], place)
                removed += session.run(SQL["prune_predictions"], place)
            if not piece:
                break
        with self._begin() as session:
            session.run(SQL["prune_refusals"], {"project": project, "until": minutes(before)})
        moment = (before - EPOCH) // MICROSECOND
        while True:
            with self._begin() as session:
                if session.run(SQL["prune_claims"], {**values, "before": moment}) < PIECE:
                    return removed

    def erase(self, project: str, entity: str) -> int:
        """Remove all lines of an entity, with their outcomes and claims; gives how many lines."""
        values = {"project": project, "entity": entity}
        with self._begin() as session:
            for part in ("erase_claims", "erase_outcomes"):
                session.run(SQL[part].format(of_entity=self.of_entity), values)
            return session.run(SQL["erase_predictions"].format(of_entity=self.of_entity), values)

    def count_refused(self, counts: Sequence[Refused]) -> None:
        """Add to the counts that are there."""
        if counts:
            with self._begin() as session:
                for count in sorted(counts):  # in one order, so that two processes never wait for each other
                    session.run(SQL["count_refused"], count._asdict())

    def refused(self, project: str, since: datetime.datetime, until: datetime.datetime) -> Sequence[Refused]:
        """The counts of the minutes that begin from `since` on and before `until`."""
        values = {"project": project, "first": minutes(since), "until": minutes(until)}
        with self._alone() as session:
            return [Refused(*row) for row in session.rows(SQL["refused"], values)]

    def _lines(self, project: str, conditions: Mapping[str, Any], *, order: str, limit: int) -> list[Row]:
        fragments = "".join(f" AND {SQL[f'where_{name}'].format(of_entity=self.of_entity)}" for name in conditions)
        statement = SQL["lines"].format(conditions=fragments, order=order)
        with self._alone() as session:
            return session.rows(statement, {"project": project, "limit": limit, **conditions})


def _standing(session: Session, claims: Sequence[Claim]) -> dict[str, Claim]:
    """Request to the claim of another that stands in its way."""
    found = {claim.request: _claim(session, *claim[:3]) for claim in claims}
    return {request: claim for request, claim in found.items() if claim is not None and claim.request != request}


def _claim(session: Session, project: str, key: str, name: str) -> Claim | None:
    found = session.rows(SQL["claim"], {"project": project, "key": key, "name": name})
    return Claim(*found[0]) if found else None


def _conditions(wanted: LogFilter) -> dict[str, Any]:
    """The names of the conditions with their values."""
    given = wanted.model_dump(exclude_none=True)
    labelled = given.pop("labelled", None)
    if labelled is not None:
        given["labelled" if labelled else "unlabelled"] = True
    return given | {name: first_id(given[name]) for name in ("since", "until") if name in given}


def _moment(at: int) -> datetime.datetime:
    return EPOCH + at * MICROSECOND


def _logged(row: Row) -> Logged:
    """A row of `lines` as a record."""
    id_, at, request, key, version, role, inputs, output, latency, _, shadow_of, outcome, outcome_at = row
    return Logged(
        id=id_,
        time=_moment(at),
        request=request,
        key=key,
        version=version,
        role=role,
        inputs=json.loads(inputs),
        output=json.loads(output),
        latency_ms=latency / 1000,
        of=shadow_of or None,
        outcome=None if outcome is None else json.loads(outcome),
        outcome_time=None if outcome_at is None else _moment(outcome_at),
    )


def _frame(rows: list[Row]) -> pl.DataFrame:
    """Rows of `lines` as a frame."""
    import polars as pl

    texts = ("id", "request", "key", "role", "inputs", "output", "entity", "of", "outcome")
    names = (
        *("id", "at", "request", "key", "version", "role", "inputs", "output", "latency", "entity", "of"),
        *("outcome", "outcome_at"),
    )
    schema = {name: pl.String() if name in texts else pl.Int64() for name in names}
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(rows, schema=schema, orient="row").select(
        "id",
        pl.col("at").cast(moment).alias("time"),
        *("request", "key", "version", "role", "inputs", "output"),
        (pl.col("latency") / 1000).alias("latency_ms"),
        *(pl.col(name).replace("", None) for name in ("of", "entity")),
        "outcome",
        pl.col("outcome_at").cast(moment).alias("outcome_time"),
    )
