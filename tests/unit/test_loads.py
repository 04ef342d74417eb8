"""Great Expectations beside the gate of a load: what it says, and that a load does not hang on it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from coins import DAY, SPEC, Coins
from torneo import loads
from torneo.errors import GateError
from torneo.orchestration.local import RunReport
from torneo.ports import Progress
from torneo.testing import SilentProgress

ROWS = ("AR,5/1/2026,1,1", "XX,31/02/2026,-1,0", ",5/1/2026,2,1", *["BR,5/1/2026,1,1"] * 2, "MX,1/1/2020,1,1")
UNREADABLE = ("AR,4/1/2026,dear,1", "AR,3/1/2026,,1", "AR,2/1/2026,1,", "BR,2/1/2026,12345678901234,12345678", ",,,")
"""Rows whose value cannot be computed."""
ASKED = SPEC.replace("missing: deactivate", "missing: deactivate, expectations: 50").replace("40%", "90%")


class Noted(SilentProgress):
    """Progress that keeps the names of its steps."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def step(self, name: str, total: int | None = None) -> Progress:
        self.names.append(name)
        return super().step(name, total)


@pytest.fixture
def coins(tmp_path: Path) -> Coins:
    made = Coins(tmp_path / "coins")
    made.write(*ROWS, spec=ASKED)
    return made


def ran(coins: Coins, progress: Progress | None = None) -> RunReport:
    return coins.project.run(progress, date=DAY)


def test_it_says_of_each_run_what_the_gate_said(coins: Coins) -> None:
    pytest.importorskip("great_expectations")
    both = "reasons: {type: bad_value, min: bad_value}, min: 1, "
    coins.write(*ROWS, *UNREADABLE, spec=ASKED.replace("value: {", f"value: {{{both}"))
    done = ran(coins)
    report, last = done.results["report"], done.steps[-1]
    assert (last.name, last.status) == ("expectations", "ran")
    assert last.seconds == round(last.seconds, 3)
    raw, candidate = last.why.split("; ")
    assert raw == "raw: holds (11 rows)"
    told, _, rows = candidate.removeprefix("candidate: ").rpartition(" (")
    assert rows == f"{report['rows'] - report['outside_window']} rows)"
    counts = dict(one.rsplit(" ", 1) for one in told.removesuffix(", …").split(", "))
    assert counts.items() <= {(reason, str(count)) for reason, count in report["reasons"].items()}
    assert len(counts) == min(5, len(report["reasons"])) > 2
    objects = coins.project.runtime.objects
    refused = json.loads(objects.path("coins/expectations/candidate/validation.json").read_text(encoding="utf-8"))
    assert {reason: count for reason, count in refused["refused"].items() if count} == dict(report["reasons"])
    assert report["reasons"].keys() >= {"invalid_price", "missing_units", "bad_value"}
    assert objects.exists("coins/expectations/candidate/data_docs/index.html")
    assert ran(coins).steps[-1].name == "report", "nothing new was gated"


def test_the_pages_are_those_of_the_last_run(coins: Coins) -> None:
    pytest.importorskip("great_expectations")
    objects, prefix = coins.project.runtime.objects, "coins/expectations/candidate/"
    ran(coins)
    before = objects.list(prefix)
    coins.write(*ROWS[1:], spec=ASKED)
    ran(coins)
    after = objects.list(prefix)
    [page] = [key for key in after if "/validations/" in key]
    assert page not in before
    assert len(after) == len(before)
    assert page.removeprefix(f"{prefix}data_docs/").encode() in objects.get(f"{prefix}data_docs/index.html")


def test_it_shows_what_has_stopped_a_run(coins: Coins) -> None:
    pytest.importorskip("great_expectations")
    coins.write(*ROWS, spec=ASKED.replace("90%", "1%"))
    with pytest.raises(GateError, match="refused"):
        ran(coins)
    objects = coins.project.runtime.objects
    told = json.loads(objects.path("coins/expectations/candidate/validation.json").read_text(encoding="utf-8"))
    assert not told["success"]


def test_it_shows_that_a_column_is_missing(coins: Coins) -> None:
    pytest.importorskip("great_expectations")
    coins.write("AR,5/1/2026,1", header="site,day,price", spec=ASKED)
    progress = Noted()
    with pytest.raises(GateError, match="'units'"):
        ran(coins, progress)
    objects = coins.project.runtime.objects
    told = json.loads(objects.path("coins/expectations/raw/validation.json").read_text(encoding="utf-8"))
    assert not told["success"]
    [note] = [name for name in progress.names if name.startswith("note: ")]
    assert note.startswith("note: Great Expectations did not look: the source lacks 1 column(s)")


def test_a_retry_tells_its_own_result_alone(coins: Coins) -> None:
    coins.write(*ROWS)
    ran(coins)
    progress = Noted()
    assert coins.project.reload(progress).tried > 1
    assert progress.names == ["retry"]


def test_a_load_does_without_it(coins: Coins, monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "great_expectations" else there(name))
    progress = Noted()
    assert ran(coins, progress).steps[-1].name == "report"
    assert any("torneo[gx]" in name for name in progress.names), progress.names


def test_a_load_does_not_fail_with_it(coins: Coins, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Path:
        raise RuntimeError("no such batch")

    monkeypatch.setattr(loads, "expectations", fail)
    progress = Noted()
    assert ran(coins, progress).steps[-1].name == "report"
    assert "note: Great Expectations failed: RuntimeError: no such batch" in progress.names
    assert len(coins.prod()) == 2
