"""Replays a project's rows as traffic of days to come: into the log, or through a server, with chosen drift."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from torneo import promotion
from torneo.client import Client
from torneo.engines.batch import asked_of, sort_rows
from torneo.engines.growing import Growing
from torneo.engines.simulated import Served, Straight, Way
from torneo.errors import ConflictError, NotFoundError
from torneo.ports import LogFilter, Progress
from torneo.promotion import Champion
from torneo.runtime import Runtime
from torneo.serving.follow import open_model
from torneo.serving.privacy import Privacy
from torneo.simulation.past import MARK, RECORD, Past
from torneo.simulation.plan import DAY, Plan, moments, perturbed, random_of
from torneo.simulation.pool import Pool
from torneo.simulation.renewal import renewed
from torneo.sources import read
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.spec.records import LINE, GateReport
from torneo.spec.source import Source
from torneo.stages.scoring import contender, seen

ID = "__id__"
UNSEEN, ALL, GIVEN = "accepted rows that the champion was not trained on", "accepted rows", "rows of the file"


class Day(Frozen):
    """A day that was played: its rows are answered or refused."""

    day: datetime.date
    strength: float
    """The part of the change that had come."""
    version: int | None
    """Who answered."""
    answered: int
    of: datetime.date | None = None
    """The date in the data whose rows were played, where each date is a day."""
    refused: int
    reasons: Mapping[str, int]
    """How many rows were refused for each reason."""
    outcomes: int
    """How many were reported."""
    grown: int
    """How many rows were added to a file."""


class Played(Frozen):
    """What was played."""

    project: str
    days: tuple[Day, ...]
    rows: int
    """How many different rows there are to play."""
    kind: str
    """What these rows are."""
    turns: float
    """How often each of them has been played by now, on average."""
    outcomes: int
    grown: int
    until: datetime.datetime
    """The simulated time at the end."""


@dataclass(frozen=True)
class Wanted:
    """How days are played."""

    plan: Plan
    file: str | None = None
    """The rows, with their target; without it accepted ones that the champion was not trained on."""
    server: str | None = None
    """The URL of a running server; without it the answers go straight into the log."""
    key: str | None = None
    """A key for the server."""
    grow: Path | None = None
    """A CSV file, the project's source as a rule, that gets the answered rows with their outcomes."""
    pace: float = 0.0
    """The seconds that a day takes."""
    along: str | None = None
    """A column of dates: the rows of each are a day as they are, in their order, however many they are."""


def simulate(
    runtime: Runtime,
    project: Project,
    folder: Path,
    wanted: Wanted,
    progress: Progress,
    tell: Callable[[Day], None],
) -> Played:
    """Play days of traffic, the first one after all that were played before, or after the day of the champion.

    Args:
        tell: is told of each day.

    Raises:
        NotFoundError: there is no champion yet.
        ConflictError: the log has predictions that were not simulated, a change does not fit its column, or the file
            cannot grow.
    """
    plan, name = wanted.plan, project.project
    if wanted.server is None:
        _check_alone(runtime, name)
    past = _past(runtime, project)
    pool = _pool(runtime, project, folder, past, wanted, progress)
    plan.check(pool.frame)
    if wanted.along is not None:
        plan = plan.model_copy(update={"days": pool.left(past, plan.days)})
    growing = None if wanted.grow is None else Growing.of(project, wanted.grow)
    bar, days = progress.step("simulate", plan.days), []
    with _ways(runtime, project, pool.frame.schema, wanted) as way_of_today:
        for number in range(plan.days):
            began = time.monotonic()
            days.append(_day(way_of_today(), project, pool, past, plan, number, growing))
            past = _after(past, days[-1])
            if wanted.server is None:
                runtime.state.put(name, RECORD, past.model_dump(mode="json"))
            tell(days[-1])
            bar.advance(note=f"{days[-1].day}")
            time.sleep(max(0.0, wanted.pace - (time.monotonic() - began)))
    bar.done()
    return Played(
        project=name,
        days=tuple(days),
        rows=pool.frame.height,
        kind=pool.kind,
        turns=past.played / pool.frame.height,
        outcomes=sum(day.outcomes for day in days),
        grown=sum(day.grown for day in days),
        until=past.until,
    )


def forget(runtime: Runtime, project: Project) -> int:
    """Remove simulated lines from the log, with their outcomes; gives how many. Their days stay played."""
    return runtime.predictions.erase(project.project, MARK)


def _check_alone(runtime: Runtime, name: str) -> None:
    """Refuse to play where there are real predictions: they and simulated ones would be watched together.

    Raises:
        ConflictError: there are.
    """
    real = runtime.predictions.page(name, LogFilter(until=runtime.clock.now()), limit=1)
    if real and real[0].key != MARK:
        raise ConflictError(
            f"the log of {name} has predictions that were not simulated, the last of {real[0].time:%Y-%m-%d %H:%M} UTC",
            fix=f"set TORNEO_HOME to a folder for simulations (without TORNEO_STATE), torneo run {name}, and try again",
        )


def _after(past: Past, day: Day) -> Past:
    played = past.played + day.answered + day.refused
    return past.model_copy(update={"until": past.until + DAY, "played": played, "days": past.days + 1})


def _past(runtime: Runtime, project: Project) -> Past:
    """What was played before.

    Raises:
        NotFoundError: there is no champion yet.
    """
    name = project.project
    champion = promotion.champion(runtime.state, name)
    if champion is None:
        raise NotFoundError(f"{name} has no champion yet", fix=f"torneo run {name}")
    found = runtime.state.get(name, RECORD)
    if found is not None:
        return Past.model_validate(found)
    gate = GateReport.model_validate(runtime.state.get(name, "gate"))
    since = max(entry.time for entry in promotion.history(runtime.state, name))
    first = datetime.datetime.combine(since.date(), datetime.time(), datetime.UTC) + DAY
    return Past(until=first, played=0, accepted=gate.accepted.key, champion=champion.model_dump(mode="json"))


def _pool(runtime: Runtime, project: Project, folder: Path, past: Past, wanted: Wanted, progress: Progress) -> Pool:
    pool = _rows(runtime, project, folder, past, wanted.file, progress)
    return pool if wanted.along is None else pool.along(wanted.along)


def _rows(runtime: Runtime, project: Project, folder: Path, past: Past, file: str | None, progress: Progress) -> Pool:
    with runtime.context(project, folder, progress) as context:
        if file is not None:
            return Pool(_rows_of(runtime, project, folder, file, context.work / "played.parquet"), GIVEN)
        columns = list(project.contract.columns)
        table = pl.read_parquet(context.objects.path(past.accepted))
        absent = [column for column in columns if column not in table.columns]
        if absent:
            raise ConflictError(
                f"the rows that are played have no {', '.join(absent)[:200]}: the contract had none when playing began",
                fix="give rows that have it with --from, or play in a home of its own (TORNEO_HOME)",
            )
        frame = table.select(columns)
        first = Champion.model_validate(past.champion)
        unseen = frame.filter(~seen(context, frame, [contender(context, "champion", first.bundle, first.digest)]))
    return Pool(unseen, UNSEEN) if unseen.height else Pool(frame, ALL)


def _rows_of(runtime: Runtime, project: Project, folder: Path, file: str, target: Path) -> pl.DataFrame:
    """The rows of a file that the contract accepts, in its types.

    Raises:
        ConflictError: it accepts none.
    """
    like = project.source
    source = Source(uri=file, delimiter=like.delimiter, encoding=like.encoding, decimal=like.decimal)
    reading = read(source, [Path(), *runtime.folders(folder)], target)
    table = pl.read_parquet(target)
    columns = project.contract.columns
    rows = sort_rows(asked_of(project, columns, set(columns), table.schema, reading.file), table).typed
    if not rows.height:
        raise ConflictError(f"the contract of {project.project} accepts no row of {reading.file}")
    return rows


@contextmanager
def _ways(runtime: Runtime, project: Project, schema: pl.Schema, wanted: Wanted) -> Iterator[Callable[[], Way]]:
    """What gives the way of a day; another champion may answer the next one."""
    name, last = project.project, dict[int, Way]()
    if wanted.server is not None:
        with Client(wanted.server, key=wanted.key, project=name) as client:
            served = Served(project, client)
            yield lambda: served
        return

    def straight() -> Way:
        champion = promotion.champion(runtime.state, name)
        if champion is None:
            raise NotFoundError(f"{name} has no champion any more", fix=f"torneo history {name}")
        if champion.number not in last:
            last.clear()
            last[champion.number] = _straight(runtime, project, champion, schema)
        return last[champion.number]

    yield straight


def _straight(runtime: Runtime, project: Project, champion: Champion, schema: pl.Schema) -> Straight:
    model = open_model(champion, runtime.objects, runtime.home / "serving", runtime.settings.jobs)
    numbered = pl.Schema({**schema, LINE: pl.Int64()})
    asked = asked_of(project, model.contract, model.scorer.columns, numbered, "what is played")
    privacy = Privacy.of(project.project, project.contract, runtime.secret)
    return Straight(project, model, asked, privacy, runtime.predictions, runtime.refusals)


def _day(way: Way, project: Project, pool: Pool, past: Past, plan: Plan, number: int, growing: Growing | None) -> Day:
    """Play a day: ask, and report what happened to those rows that were answered."""
    day, strength = past.until.date(), plan.strength(number)
    random = random_of(plan.seed, day)
    date, rows = pool.of_day(past, plan)
    times = moments(day, rows.height, random)
    changed = perturbed(rows, plan.drift, strength, pool.frame, random)
    frame = changed if pool.dates else renewed(project, changed, pool.frame, past.played, times)
    sent = way.send(frame, times)
    answered = frame.with_columns(pl.Series(ID, sent.ids, dtype=pl.String)).drop_nulls(ID)
    known = answered.drop_nulls(project.target) if plan.outcomes is not None else answered.clear()
    later, target = plan.outcomes or 0, known[project.target]
    values = (target if project.task == "regression" else target.cast(pl.String)).to_list()
    if values:
        way.report(dict(zip(known[ID], values, strict=True)), later * DAY)
    grows = growing is not None and number + later < plan.days  # what happens later is not known at the end
    if growing is not None and grows:
        growing.add(known.drop(ID))
    return Day(
        day=day,
        of=date,
        strength=strength,
        version=sent.version,
        answered=answered.height,
        refused=frame.height - answered.height,
        reasons=dict(sent.reasons),
        outcomes=len(values),
        grown=len(values) if grows else 0,
    )
