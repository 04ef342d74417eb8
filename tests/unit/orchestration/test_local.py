"""The runner does what has to be done, says why, and can be stopped at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import small
from torneo.errors import GateError, LockedError, TrainError, UnavailableError
from torneo.orchestration import local
from torneo.orchestration.local import RunReport, run, standing
from torneo.stages.context import Context

ALL = ["ingest", "validate", "prepare", "train:line", "judge"]


@pytest.fixture
def first(tmp_path: Path) -> Context:
    small.table(120).write_csv(tmp_path / "data.csv")
    return small.context(small.project(), tmp_path)


def ran(context: Context) -> RunReport:
    return run(context, context.owner, lambda step: None)


def did(report: RunReport) -> dict[str, str]:
    return {step.name: step.why for step in report.steps if step.status == "ran"}


def next_to(before: Context, **parts: Any) -> Context:
    return small.context(small.project(**parts), before.folder, before=before)


def test_a_first_run_does_everything(first: Context) -> None:
    told: list[str] = []
    report = run(first, "ada", lambda step: told.append(step.name))
    assert told == ALL
    assert did(report) == dict.fromkeys(ALL, "it has not run before")
    assert not report.unchanged
    assert [entry.body["owner"] for entry in first.state.read("small", "runs")] == ["ada"]


def test_a_second_run_does_nothing_and_says_so(first: Context) -> None:
    before, after = ran(first), ran(next_to(first))
    assert after.unchanged
    assert {step.why for step in after.steps} == {"nothing it depends on changed"}
    assert after.results == before.results
    assert after.digest == before.digest
    assert len(first.state.read("small", "runs")) == 1


@pytest.mark.parametrize(
    ("parts", "steps"),
    [
        (
            {"judge": {"confidence": 0.9}},
            {"judge": "changed: project.yaml judge"},
        ),
        (
            {"challengers": {"line": {"model": "linear", "params": {"C": 2.0}}}, "judge": {"protocol": "holdout"}},
            {"train:line": "changed: project.yaml challenger", "judge": "changed: project.yaml judge, train:line"},
        ),
        (
            {
                "challengers": {"line": {"model": "linear"}, "bayes": {"model": "gaussian_nb"}},
                "judge": {"protocol": "holdout"},
            },
            {"train:bayes": "it has not run before", "judge": "changed: project.yaml judge, train:bayes"},
        ),
        (
            {"serve": {"interval": 0.8}},
            {"train:line": "changed: project.yaml serve", "judge": "changed: train:line"},
        ),
        (
            {"split": {"test": 0.3}},
            {
                "prepare": "changed: project.yaml split",
                "train:line": "changed: prepare, project.yaml split",
                "judge": "changed: prepare, train:line",
            },
        ),
    ],
    ids=["judge", "parameters", "challenger", "serve", "split"],
)
def test_a_change_runs_exactly_what_depends_on_it(first: Context, parts: Any, steps: Mapping[str, str]) -> None:
    ran(first)
    assert did(ran(next_to(first, **parts))) == steps


def test_a_new_column_that_the_contract_does_not_name_trains_nothing(first: Context) -> None:
    ran(first)
    small.table(120).with_columns(extra=1).write_csv(first.folder / "data.csv")
    assert did(ran(next_to(first))) == {
        "ingest": "changed: source content",
        "validate": "changed: ingest",
        "prepare": "changed: validate",
        "judge": "changed: validate",
    }


def test_new_rows_run_everything(first: Context) -> None:
    ran(first)
    small.table(160).write_csv(first.folder / "data.csv")
    assert list(did(ran(next_to(first)))) == ALL


def test_a_changed_hook_and_changed_code(first: Context) -> None:
    ran(first)
    (first.folder / "features.py").write_text("def features(frame):\n    return frame\n", encoding="utf-8")
    hooked = next_to(first)
    steps = did(ran(hooked))
    assert steps["prepare"] == "changed: features.py"
    assert steps["train:line"] == "changed: features.py"
    other = replace(next_to(first), code="other code")
    assert set(did(ran(other)).values()) >= {"changed: code of torneo"}
    assert list(did(ran(replace(next_to(first), code="third")))) == ALL


def test_another_champion_runs_the_judge(first: Context) -> None:
    from torneo.promotion import promote

    ran(first)
    challengers = {"line": {"model": "linear"}, "bayes": {"model": "gaussian_nb"}}
    judge = {"protocol": "holdout"}
    second = next_to(first, challengers=challengers, judge=judge)
    ran(second)
    assert ran(next_to(second, challengers=challengers, judge=judge)).unchanged
    promote(second.state, second.registry, "small", 2, by="ada", why="try", owner="ada")
    assert did(ran(next_to(second, challengers=challengers, judge=judge))) == {"judge": "changed: champion"}


@pytest.mark.parametrize(
    ("prefix", "step"),
    [
        ("small/snapshots", "ingest"),
        ("small/accepted", "validate"),
        ("small/rejected", "validate"),
        ("small/prepared", "prepare"),
        ("small/bundles", "train:line"),
    ],
)
def test_what_is_gone_is_made_again(first: Context, prefix: str, step: str) -> None:
    before = ran(first)
    for key in first.objects.list(prefix):
        first.objects.delete(key)
    after = ran(next_to(first))
    assert did(after)[step].startswith(f"its output is gone: {prefix}/")
    assert after.results["prepare"] == before.results["prepare"]
    assert after.results["train:line"]["bundle"] == before.results["train:line"]["bundle"]
    assert ran(next_to(first)).unchanged


def test_the_description_is_an_output_too(first: Context) -> None:
    ran(first)
    (key,) = [key for key in first.objects.list("small/prepared") if key.endswith("data.json")]
    first.objects.delete(key)
    assert did(ran(next_to(first))) == {"prepare": f"its output is gone: {key}"}
    assert first.objects.exists(key)


def test_a_file_that_changes_while_it_is_read_is_read_again(first: Context) -> None:
    def read_and_change(source: Any, target: Path) -> Any:
        snapshot = first.read(source, target)
        small.table(160).write_csv(first.folder / "data.csv")
        return snapshot

    ran(replace(first, read=read_and_change))
    assert did(ran(next_to(first)))["ingest"] == "changed: source content"


class Failing:
    """Reads after it has failed so many times."""

    def __init__(self, context: Context, times: int, error: Exception) -> None:
        self.context, self.left, self.error, self.calls = context, times, error, 0

    def __call__(self, source: Any, target: Path) -> Any:
        self.calls += 1
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return self.context.read(source, target)


@pytest.mark.parametrize(("times", "calls"), [(0, 1), (2, 3)])
def test_what_may_pass_is_tried_again(first: Context, monkeypatch: pytest.MonkeyPatch, times: int, calls: int) -> None:
    monkeypatch.setattr(local, "PAUSE", 0.0)
    read = Failing(first, times, UnavailableError("the store sleeps"))
    ran(replace(first, read=read))
    assert read.calls == calls


def test_what_does_not_pass_is_tried_three_times(first: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PAUSE", 0.0)
    read = Failing(first, 99, UnavailableError("the store sleeps"))
    with pytest.raises(UnavailableError, match="the store sleeps"):
        ran(replace(first, read=read))
    assert read.calls == 3
    assert first.state.get("small", "step/ingest") is None


def test_what_cannot_pass_is_not_tried_again(first: Context) -> None:
    read = Failing(first, 99, TrainError("never"))
    with pytest.raises(TrainError, match="never"):
        ran(replace(first, read=read))
    assert read.calls == 1


def test_fault_13_a_failure_stops_the_run_and_is_not_recorded_as_done(first: Context) -> None:
    """Fault 13: training errors were caught and the task stayed green."""
    wrong = {"line": {"model": "linear", "params": {"C": -1.0}}}
    with pytest.raises(TrainError, match=r"linear with .* cannot be fitted"):
        ran(next_to(first, challengers=wrong))
    assert first.state.get("small", "step/train:line") is None
    assert first.state.get("small", "step/judge") is None
    assert first.state.read("small", "runs") == []
    assert first.registry.versions("small") == []
    assert list(did(ran(next_to(first)))) == ["train:line", "judge"]


def test_a_gate_that_says_no_stops_the_run(first: Context) -> None:
    small.table(120).with_columns(pl.lit("blue").alias("colour")).write_csv(first.folder / "data.csv")
    with pytest.raises(GateError, match="refused 120 of 120 rows"):
        ran(first)
    assert first.state.get("small", "step/validate") is None


def test_two_at_once_do_not_interleave(first: Context) -> None:
    with first.state.lock("run/small", "eve"), pytest.raises(LockedError, match="is locked by eve"):
        ran(first)
    assert first.state.get("small", "step/ingest") is None
    assert not ran(first).unchanged


def test_an_interrupted_search_goes_on_in_the_next_run(first: Context) -> None:
    class Impatient:
        """Stops a search after its third trial."""

        def __init__(self, name: str = "") -> None:
            self.name, self.units = name, 0

        def step(self, name: str, total: int | None = None) -> Impatient:
            return Impatient(name)

        def advance(self, units: int = 1, note: str = "") -> None:
            self.units += units
            if self.name.startswith("search") and self.units == 3:
                raise KeyboardInterrupt

        def done(self, note: str = "") -> None:
            """Nothing ends."""

    challengers = {"line": {"model": "linear", "search": {"sampler": "tpe", "trials": 6, "folds": 3}}}
    project = small.project(challengers=challengers)
    report = ran(small.context(project, first.folder, before=first, progress=Impatient()))
    assert report.results["train:line"]["stopped"] == "interrupted after 3 of 6 trials"
    after = ran(small.context(project, first.folder, before=first))
    assert did(after)["train:line"] == "changed: its search"
    assert after.results["train:line"]["stopped"] == "all 6 trials done"
    assert after.results["train:line"]["trials"][:3] == report.results["train:line"]["trials"]
    alone = first.folder / "alone"
    alone.mkdir()
    small.table(120).write_csv(alone / "data.csv")
    assert ran(small.context(project, alone)).results["train:line"]["bundle"] == after.results["train:line"]["bundle"]
    assert ran(small.context(project, first.folder, before=first)).unchanged


def test_what_is_known_of_each_step(first: Context) -> None:
    assert standing(first.state, first.project) == dict.fromkeys(ALL)
    ran(first)
    known = standing(first.state, first.project)
    assert list(known) == ALL
    assert all(body is not None and body["why"] == "it has not run before" for body in known.values())
