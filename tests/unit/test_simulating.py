"""What is played is logged as if it had been asked for on those days, and stands apart from what was."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import small
from torneo import promotion
from torneo.api import Project
from torneo.errors import ConflictError, NotFoundError
from torneo.ports import LogFilter
from torneo.ports.prediction_log import EPOCH
from torneo.simulating import UNSEEN, Day, Played, Wanted, forget, simulate
from torneo.simulation.past import MARK, simulated_time
from torneo.simulation.plan import Plan, parse_perturbation
from torneo.testing import SilentProgress
from trained import answers, copied, declare, trained


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return trained(tmp_path_factory.mktemp("simulating"))


@pytest.fixture
def project(base: Project, tmp_path: Path) -> Project:
    return copied(base, tmp_path)


def play(project: Project, *drift: str, wanted: Any = None, **plan: Any) -> Played:
    changes = tuple(parse_perturbation(text) for text in drift)
    asked = Wanted(plan=Plan(**{"days": 2, "per_day": 30, **plan}, drift=changes), **(wanted or {}))
    told: list[Day] = []
    played = simulate(project.runtime, project.training, project.folder, asked, SilentProgress(), told.append)
    assert tuple(told) == played.days, "each day is told of"
    return played


def logged(project: Project) -> pl.DataFrame:
    return pl.concat(project.runtime.predictions.scan(project.name, LogFilter()))


def sent(project: Project) -> list[dict[str, Any]]:
    return [json.loads(text) for text in logged(project)["inputs"]]


def test_days_come_one_after_the_other_and_are_marked(project: Project) -> None:
    first, second = play(project), play(project, days=1)
    days = [day.day for day in (*first.days, *second.days)]
    tomorrow = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    assert days == [tomorrow + datetime.timedelta(days=number) for number in range(3)]
    lines = logged(project)
    assert lines.height == 90
    assert lines["id"].is_sorted()
    assert lines["time"].dt.date().to_list() == [day for day in days for _ in range(30)]
    moments = [EPOCH + datetime.timedelta(milliseconds=int(id_.replace("-", "")[:12], 16)) for id_ in lines["id"]]
    assert moments == lines["time"].to_list(), "ids are of the simulated moment"
    assert set(lines["key"]) == set(lines["entity"]) == {MARK}
    assert lines["request"].n_unique() == 90, "a row is a request"
    assert lines["outcome_time"].to_list() == lines["time"].to_list()
    assert simulated_time(project.runtime.state, project.name) > second.until
    assert forget(project.runtime, project.training) == 90
    assert play(project, days=1).days[0].day == days[-1] + datetime.timedelta(days=1), "its days stay played"


def test_rows_are_those_that_the_champion_has_not_seen_each_in_its_turn(project: Project) -> None:
    played = play(project)
    unseen = project.runtime.objects.path(project.status()["prepare"]["result"]["test"]["key"])  # type: ignore[index]
    judges = pl.read_parquet(unseen)
    assert (played.kind, played.rows, played.turns) == (UNSEEN, 60, 1.0)
    assert sorted(row["a"] for row in sent(project)) == judges["a"].sort().to_list()
    outcomes = logged(project).select(pl.col("outcome").str.json_decode(pl.String()))["outcome"]
    assert sorted(outcomes) == judges["y"].cast(pl.String).sort().to_list()
    assert play(project, days=1).turns == 1.5


def test_answers_are_those_of_a_file(project: Project, tmp_path: Path) -> None:
    play(project, days=1)
    lines = logged(project)
    rows = pl.DataFrame([json.loads(text) for text in lines["inputs"]])
    rows.write_csv(tmp_path / "rows.csv")
    _, made = answers(project, tmp_path / "rows.csv", tmp_path)
    told = [json.loads(text)["prediction"] for text in lines["output"]]
    assert [str(each) for each in told] == [str(each) for each in made["prediction"]]


def test_equal_seeds_play_equal_days(base: Project, tmp_path: Path) -> None:
    def of(name: str, seed: int) -> list[dict[str, Any]]:
        (tmp_path / name).mkdir()
        copy = copied(base, tmp_path / name)
        play(copy, "missing:a=50%", "flip:y=50%", seed=seed, days=1)
        return [{**row, "outcome": outcome} for row, outcome in zip(sent(copy), logged(copy)["outcome"], strict=True)]

    assert of("one", 1) == of("same", 1)
    assert of("one more", 1) != of("other", 2)


def test_a_change_comes_on_its_day_and_reaches_inputs_or_outcomes(project: Project) -> None:
    played = play(project, "shift:b=10", "flip:y=100%", days=3, after=1, over=2)
    assert [day.strength for day in played.days] == [0.0, 0.5, 1.0]
    rows = pl.DataFrame(sent(project)).with_columns(logged(project)["outcome"].str.json_decode(pl.String()))
    means = [rows[start : start + 30]["b"].mean() for start in (0, 30, 60)]
    assert [round(float(str(mean)) / 5) for mean in means] == [0, 1, 2], means
    known = pl.read_csv(project.folder / "data.csv")
    of = {(a, day, shop): str(y) for a, day, shop, y in known.select("a", "day", "shop", "y").iter_rows()}
    flipped = [of[tuple(row)] != outcome for *row, outcome in rows.select("a", "day", "shop", "outcome").iter_rows()]
    assert [sum(flipped[start : start + 30]) for start in (0, 30, 60)] == [0, 15, 30]


def test_rows_that_break_the_contract_are_refused_and_counted_on_their_day(project: Project) -> None:
    played = play(project, "missing:b=50%", "new_category:colour=20%", days=1)
    day = played.days[0]
    assert (day.answered + day.refused, logged(project).height) == (30, day.answered)
    assert day.reasons == {"missing_b": 15, "unknown_colour": 6}
    start = datetime.datetime.combine(day.day, datetime.time(), datetime.UTC)
    counts = project.runtime.refusals.refused(project.name, start, start + datetime.timedelta(days=1))
    assert sum(each.number for each in counts if each.reason == "") == day.refused
    assert sum(each.number for each in counts if each.reason == "missing_b") == 15


@pytest.mark.parametrize("days", [0, 2])
def test_outcomes_come_when_they_are_known(project: Project, days: int) -> None:
    assert play(project, outcomes=days).outcomes == 60
    lines = logged(project)
    assert (lines["outcome_time"] - lines["time"]).unique().to_list() == [datetime.timedelta(days=days)]


def test_outcomes_may_never_come(project: Project) -> None:
    assert play(project, outcomes=None).outcomes == 0
    assert play(project, "missing:y=50%", days=1).outcomes == 15
    assert logged(project)["outcome"].null_count() == 75


def test_a_source_grows_by_what_was_answered_and_is_known(project: Project) -> None:
    file = project.folder / "data.csv"
    before = pl.read_csv(file)
    played = play(project, "missing:b=50%", "shift:a=100", outcomes=1, wanted={"grow": file})
    assert (played.outcomes, played.grown) == (30, 15), "the last day's outcomes are not known yet"
    grown = pl.read_csv(file)
    assert grown[: before.height].equals(before)
    assert grown["id"].n_unique() == grown.height == before.height + 15
    assert grown[before.height :]["a"].min() > 50  # type: ignore[operator]
    report = project.run()
    assert report.results["validate"]["rejected"]["rows"] == 0, "its own contract takes it"


def test_after_a_new_champion_the_rows_are_the_same(project: Project) -> None:
    before = play(project, days=1)
    small.table(400, seed=5).write_csv(project.folder / "data.csv")
    project.run()
    assert play(project, days=1).rows == before.rows


def test_rows_of_a_file(project: Project, tmp_path: Path) -> None:
    rows = small.table(20, seed=3).with_columns(colour=pl.lit("red"))
    rows[0, "colour"] = "blue"
    rows.write_csv(tmp_path / "coming.csv")
    played = play(project, days=1, wanted={"file": str(tmp_path / "coming.csv")})
    assert (played.rows, played.kind) == (19, "rows of the file")
    rows[:1].write_csv(tmp_path / "bad.csv")
    with pytest.raises(ConflictError, match="accepts no row"):
        play(project, wanted={"file": str(tmp_path / "bad.csv")})


def test_nothing_is_played_beside_real_predictions(project: Project, tmp_path: Path) -> None:
    answers(project, project.folder / "data.csv", tmp_path, log=True)
    with pytest.raises(ConflictError, match="not simulated") as caught:
        play(project)
    assert "TORNEO_HOME" in str(caught.value.fix)


def test_what_cannot_be_played_is_told_first(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="no column 'bb'"):
        play(project, "shift:bb=1")
    with pytest.raises(ConflictError, match="scale has no meaning for colour"):
        play(project, "scale:colour=2")
    assert project.runtime.predictions.page(project.name, LogFilter()) == []
    with pytest.raises(NotFoundError, match="nothing of small has been simulated"):
        simulated_time(project.runtime.state, project.name)
    (tmp_path / "untrained").mkdir()
    small.table(30).write_csv(tmp_path / "untrained" / "data.csv")
    with pytest.raises(NotFoundError, match="no champion yet"):
        play(declare(tmp_path / "untrained"))


def test_rows_that_lack_a_column_of_a_later_contract_are_told(project: Project) -> None:
    play(project, days=1)
    columns = {**project.training.contract.columns, "later": project.training.contract.columns["a"]}
    contract = project.training.contract.model_copy(update={"columns": columns})
    asked = Wanted(plan=Plan(days=1, per_day=5))
    changed = project.training.model_copy(update={"contract": contract})
    with pytest.raises(ConflictError, match=r"the rows that are played have no later: .* playing began"):
        simulate(project.runtime, changed, project.folder, asked, SilentProgress(), lambda _: None)


def test_who_answers_is_the_champion_of_the_day(project: Project) -> None:
    assert play(project, days=1).days[0].version == 1
    found = project.runtime
    promotion.promote(found.state, found.registry, project.name, 2, by="ada", why="to see", owner="ada@test")
    assert play(project, days=1).days[0].version == 2
