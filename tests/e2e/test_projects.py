"""Every project of this repository, on its real data, through the real command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from e2e.command import ROOT, Done, torneo

pytestmark = pytest.mark.slow

Report = Mapping[str, Any]
LOADS = ("crypto_events", "crypto_simulated")
"""They load tables and have tests of their own."""
SECOND_RUN = 20.0
"""Seconds; it takes one to three on a machine with nothing else to do."""


def _cv(report: Report, name: str) -> float:
    """A challenger's mean score over the folds, in the deciding metric."""
    scores: list[float] = report["results"][f"train:{name}"]["cv"][report["results"]["judge"]["decision"]["metric"]]
    return mean(scores)


def _best_cv(report: Report, largest: bool) -> float:
    names = [name.removeprefix("train:") for name in report["results"] if name.startswith("train:")]
    return (max if largest else min)(_cv(report, name) for name in names)


def _ads(report: Report) -> None:
    decision = report["results"]["judge"]["decision"]
    assert (decision["protocol"], decision["rows"]) == ("nested_cv", 400)
    assert decision["scores"]["logistic"] == pytest.approx(0.845, abs=0.032)
    assert decision["scores"]["naive-bayes"] == pytest.approx(0.889, abs=0.032)


def _sales(report: Report) -> None:
    assert min(report["results"]["judge"]["decision"]["scores"].values()) < 98.98


def _rossmann(report: Report) -> None:
    assert report["results"]["judge"]["decision"]["scores"]["boosting"] < 0.127


def _housing(report: Report) -> None:
    assert _best_cv(report, largest=False) < 3.17 + 0.90
    assert len(report["results"]["train:tuned"]["trials"]) == 50
    assert len(report["results"]["train:tuned-important"]["trials"]) == 50
    assert len(report["results"]["train:tuned"]["features"]) == 13
    assert len(report["results"]["train:important"]["features"]) == 10
    assert len(report["results"]["train:tuned-important"]["features"]) == 10


def _telco(report: Report) -> None:
    assert _best_cv(report, largest=True) > 0.849 - 0.013
    assert _cv(report, "logistic") == pytest.approx(0.845, abs=0.013)


def _cdnow(report: Report) -> None:
    assert _best_cv(report, largest=True) > 0.75
    assert min(report["results"]["judge"]["decision"]["scores"].values()) > 0.8


def _diabetes(report: Report) -> None:
    assert _best_cv(report, largest=False) < 60


def _breast_cancer(report: Report) -> None:
    assert _best_cv(report, largest=True) > 0.98


@dataclass(frozen=True)
class Expected:
    """What a project must come to."""

    check: Callable[[Report], None]
    rows: int
    """Accepted by the gate."""
    compare: str | None
    """The challenger to compare with the champion; None where that takes minutes of nested searching."""


PROJECTS = {
    "ads": Expected(_ads, 400, "logistic"),
    "sales": Expected(_sales, 365, "forest"),
    "rossmann": Expected(_rossmann, 75_718, "hist"),
    "housing": Expected(_housing, 506, None),
    "telco": Expected(_telco, 7_043, "logistic"),
    "cdnow": Expected(_cdnow, 141_420, "logistic"),
    "diabetes": Expected(_diabetes, 442, "forest"),
    "breast_cancer": Expected(_breast_cancer, 569, "forest"),
}


def test_every_project_is_here() -> None:
    there = [path.parent.name for path in (ROOT / "projects").glob("*/project.yaml")]
    assert sorted(there) == sorted([*PROJECTS, *LOADS])
    assert [name for name in there if not (ROOT / "projects" / name / "README.md").is_file()] == []


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_runs_on_its_data(name: str, shared_data: Path, tmp_path: Path) -> None:
    expected = PROJECTS[name]

    def command(*arguments: str) -> Done:
        one_core = {"TORNEO_JOBS": "1"}  # tests run side by side, and threads that wait for each other spin
        return torneo(*arguments, home=tmp_path / "home", TORNEO_DATA=str(shared_data), **one_core)

    report = command("run", name, "--json").report
    decided = report["results"]["judge"]
    assert decided["champion"] is not None
    assert decided["decision"]["verdict"] == "promote"
    bars = [bar for bar in decided["decision"]["guardrails"] if bar["challenger"] == decided["decision"]["winner"]]
    assert bars
    assert all(bar["passed"] for bar in bars)
    assert report["results"]["validate"]["accepted"]["rows"] == expected.rows
    expected.check(report)

    second = command("run", name)
    assert [line for line in second.err.splitlines() if line.startswith("  ") and "unchanged" not in line] == []
    assert "nothing to do, all steps are up to date" in second.out
    assert report["digest"][:12] in second.out
    assert second.seconds < SECOND_RUN

    _look(command, name, report, tmp_path / "profile.html")
    if expected.compare is not None and expected.compare != decided["decision"]["winner"]:
        version = str(decided["versions"][expected.compare])
        compared = command("compare", name, "--version", version, "--json").json
        assert compared["comparisons"][0]["challenger"] == f"version {version}"
    assert len(command("history", name, "--json").json) == 1


def _look(command: Callable[..., Done], name: str, report: Report, page: Path) -> None:
    status = command("status", name, "--json").json
    assert set(status["steps"]) == set(report["results"])
    assert status["champion"]["number"] == report["results"]["judge"]["champion"]
    refused = command("quarantine", "show", name, "--json").json
    assert sum(refused["reasons"].values()) >= len(refused["rows"])
    command("profile", name, "--output", str(page))
    assert "<html" in page.read_text(encoding="utf-8")[:1000].lower()
    assert all(finding["good"] for finding in command("doctor", "--json").json)
