"""The whole loop through the command line on data that scikit-learn brings with it, and what must stop it."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.command import ROOT, TORNEO, environment, start, state, torneo, write_project
from torneo.cli import Exit

pytestmark = pytest.mark.slow

WEAK = {"model": "random_forest", "params": {"n_estimators": 5, "max_depth": 1}}
LINEAR = {"model": "linear"}
SEARCH: dict[str, Any] = {
    "model": "xgboost",
    "params": {"n_estimators": 20},
    "search": {"sampler": "random", "trials": 400, "folds": 5, "space": {"max_depth": [1, 2, 3], "gamma": [0, 1, 2]}},
}


@dataclass(frozen=True)
class Place:
    """A project's folder and a home."""

    folder: Path
    home: Path

    def torneo(self, *arguments: str, expect: Exit = Exit.OK) -> Any:
        """Run a command in the project's folder."""
        return torneo(*arguments, home=self.home, cwd=self.folder, expect=expect)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project that has run once, with a champion of no great skill."""
    root = tmp_path_factory.mktemp("loop")
    place = Place(write_project(root / "diabetes", challengers={"weak": WEAK}), root / "home")
    place.torneo("run", ".")
    return place


@pytest.fixture
def again(ran: Place, tmp_path: Path) -> Place:
    """A copy of it that a test may spoil."""
    return Place(
        Path(shutil.copytree(ran.folder, tmp_path / "diabetes")), Path(shutil.copytree(ran.home, tmp_path / "home"))
    )


def test_from_a_csv_to_a_champion(tmp_path: Path) -> None:
    script = "from sklearn.datasets import load_diabetes as d; d(as_frame=True, scaled=False).frame.to_csv('d.csv')"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    place = Place(tmp_path, tmp_path / "home")
    place.torneo("init", "d.csv", "--target", "target", "--name", "sugar")
    file = tmp_path / "project.yaml"
    drafted = yaml.safe_load(file.read_text())
    assert (drafted["task"], drafted["target"]) == ("regression", "target")
    file.write_text(yaml.safe_dump(drafted | {"challengers": {"linear": LINEAR}}, allow_unicode=True, sort_keys=False))
    checked = place.torneo("check").out
    assert "442 rows accepted" in checked
    report = place.torneo("run", "--json").report
    assert report["results"]["train:linear"]["metrics"]["r2"] > 0.4
    assert report["results"]["judge"]["champion"] == 1


def test_challenge_promote_roll_back_and_what_is_kept_of_it(again: Place) -> None:
    unchanged = again.torneo("run")
    assert "nothing to do" in unchanged.out
    assert unchanged.err.count("unchanged") == 5

    write_project(again.folder, challengers={"weak": WEAK, "better": LINEAR})
    second = again.torneo("run", "--json")
    decided = second.report["results"]["judge"]
    assert (decided["decision"]["protocol"], decided["decision"]["winner"]) == ("nested_cv", "better")
    assert decided["champion"] == decided["versions"]["better"] == 2
    assert [step["name"] for step in second.report["steps"] if step["status"] == "ran"] == ["train:better", "judge"]

    compared = again.torneo("compare", "--json", "--html", str(again.home / "page.html")).json
    assert (compared["winner"], compared["verdict"]) == (None, "keep")
    assert compared["comparisons"][0]["gain"] < 0
    assert "<html" in (again.home / "page.html").read_text(encoding="utf-8").lower()

    assert "version 1 of diabetes is champion" in again.torneo("promote", ".", "1", "--why", "a test of ours").out
    again.torneo("promote", ".", "1", "--why", "again", expect=Exit.CONFLICT)
    again.torneo("promote", ".", "7", "--why", "none", expect=Exit.NOT_FOUND)
    again.torneo("promote", ".", "2", "--why", "it is better")
    assert "version 1" in again.torneo("rollback", ".", "--why", "it is slow").out

    write_project(again.folder, challengers={"weak": WEAK, "better": LINEAR}, judge={"metric": "rmse", "min_gain": 0.1})
    decision = again.torneo("run", "--json").report["results"]["judge"]["decision"]
    assert (decision["winner"], decision["verdict"]) == (None, "keep")
    assert "rolled back" in decision["vetoes"]["better"][0]
    assert "it is slow" in decision["vetoes"]["better"][0]

    entries = again.torneo("history", "--json").json
    told = [(entry["body"]["action"], entry["body"]["champion"]["number"], entry["body"]["by"]) for entry in entries]
    assert told == [
        ("promote", 1, "judge"),
        ("promote", 2, "judge"),
        ("promote", 1, "tester"),
        ("promote", 2, "tester"),
        ("rollback", 1, "tester"),
        ("keep", 1, "judge"),
    ]
    assert [entry["sequence"] for entry in entries] == list(range(1, 7))
    assert "the chain of digests holds" in again.torneo("history").out
    assert "champion is version 1" in again.torneo("doctor").out


def test_a_run_that_died_right_after_its_decision_does_not_judge_twice(again: Place) -> None:
    write_project(again.folder, challengers={"weak": WEAK, "better": LINEAR}, judge={"protocol": "holdout"})
    first = again.torneo("run", "--json").report
    entries = state(again.home).read("diabetes", "decisions")
    state(again.home).put("diabetes", "step/judge", None)
    second = again.torneo("run", "--json").report
    assert [step["name"] for step in second["steps"] if step["status"] == "ran"] == ["judge"]
    assert second["digest"] == first["digest"]
    assert state(again.home).read("diabetes", "decisions") == entries


def test_a_history_that_was_altered_is_noticed(again: Place) -> None:
    change = "UPDATE stream_entries SET body = replace(body, 'judge', 'somebody')"
    with sqlite3.connect(again.home / "state.db") as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        changed = connection.execute(change).rowcount
    assert changed >= 1
    assert "diabetes/decisions" in again.torneo("history", expect=Exit.CONFLICT).err
    again.torneo("run", expect=Exit.CONFLICT)
    assert "was tampered with: entry" in again.torneo("doctor", expect=Exit.FINDINGS).out


def test_a_flipped_byte_in_a_bundle_is_refused(again: Place) -> None:
    write_project(again.folder, challengers={"weak": WEAK, "better": LINEAR}, judge={"protocol": "holdout"})
    champion = again.torneo("run", "--json").report["results"]["judge"]["champion"]
    key = json.loads(again.torneo("status", "--json").out)["champion"]["bundle"]
    graph = again.home / "objects" / key / "model.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.chmod(0o644)
    graph.write_bytes(content)
    other = 3 - champion
    refused = again.torneo("compare", "--version", str(other), expect=Exit.BUNDLE)
    assert "model.onnx was altered" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("run", "hosing"), Exit.NOT_FOUND, ("hosing/project.yaml", "projects here: ads,")),
        (("run", "housing"), Exit.SOURCE, ("HousingData.csv", "projects/housing", "README.md", "TORNEO_DATA")),
        (("status", "wrong"), Exit.SPEC, ("project.yaml:1:", "challenger", "did you mean", "challengers")),
        (("promote", "wrong"), Exit.USAGE, ("Missing argument 'version'",)),
    ],
)
def test_what_is_wrong_is_said_with_a_code(tmp_path: Path, arguments: tuple[str, ...], code: Exit, told: Any) -> None:
    if "wrong" in arguments:
        broken = write_project(tmp_path / "wrong") / "project.yaml"
        broken.write_text("challenger: auto\n" + broken.read_text())
        arguments = (arguments[0], str(tmp_path / "wrong"))
    done = torneo(*arguments, home=tmp_path / "home", expect=code)
    for part in told:
        assert part in done.err
    assert "Traceback" not in done.err


def _until(condition: Any, process: subprocess.Popen[str], seconds: float = 120) -> None:
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    pytest.fail("it did not come so far")


def _found(home: Path, query: str) -> Any:
    """The first row of a query to a state store that may not be there yet."""
    if not (home / "state.db").exists():
        return None
    with sqlite3.connect(f"file:{home / 'state.db'}?mode=ro", uri=True) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        return connection.execute(query).fetchone() if "records" in tables else None


def _trials(home: Path) -> int:
    found = _found(home, "SELECT body FROM records WHERE name = 'journal/tuned'")
    return 0 if found is None else len(json.loads(found[0])["trials"])


def test_two_runs_at_once_and_ctrl_c_keeps_what_was_found(tmp_path: Path) -> None:
    place = Place(write_project(tmp_path / "diabetes", challengers={"tuned": SEARCH}), tmp_path / "home")
    first = start("run", "--json", home=place.home, cwd=place.folder)
    _until(lambda: _trials(place.home) >= 3, first)

    second = place.torneo("run", expect=Exit.BUSY)
    assert "'run/diabetes' is locked by tester@" in second.err
    assert f"process {first.pid}" in second.err
    assert first.poll() is None

    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=300)
    assert first.returncode == Exit.OK, err
    trained = json.loads(out)[0]["results"]["train:tuned"]
    assert trained["stopped"].startswith("interrupted after ")
    found = len(trained["trials"])
    assert 3 <= found < 400

    write_project(place.folder, challengers={"tuned": SEARCH})
    third = start("run", "--json", home=place.home, cwd=place.folder)
    _until(lambda: _trials(place.home) > found, third)
    third.send_signal(signal.SIGINT)
    out, err = third.communicate(timeout=300)
    assert third.returncode == Exit.OK, err
    assert "its search" in err
    went_on = json.loads(out)[0]["results"]["train:tuned"]["trials"]
    assert went_on[:found] == trained["trials"]
    assert len(went_on) > found


def test_ctrl_c_before_the_judge_decides_nothing(tmp_path: Path) -> None:
    few = {**SEARCH, "search": {**SEARCH["search"], "trials": 3}}
    judge = {"metric": "rmse", "protocol": "nested_cv", "repeats": 200}
    place = Place(write_project(tmp_path / "diabetes", challengers={"tuned": few}, judge=judge), tmp_path / "home")
    process = start("run", home=place.home, cwd=place.folder)
    trained = "SELECT 1 FROM records WHERE name = 'step/train:tuned'"
    _until(lambda: _found(place.home, trained) is not None, process)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == Exit.INTERRUPTED
    assert place.torneo("history", "--json").json == []
    assert list((place.home / "objects").glob("*/nested/*")) == []


def test_ctrl_c_outside_a_search_says_how_to_go_on(ran: Place, tmp_path: Path) -> None:
    process = start("run", str(ran.folder), home=tmp_path / "home")
    _until(lambda: (tmp_path / "home" / "work").exists(), process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == Exit.INTERRUPTED
    assert "`torneo run` goes on where this stopped" in err
    assert list((tmp_path / "home" / "work").iterdir()) == []


def test_the_demo_ends_with_a_table_a_verdict_and_the_next_command(tmp_path: Path) -> None:
    make = ["make", "-o", ".venv/.ready", "demo", f"DEMO_HOME={tmp_path}", f"BIN={TORNEO.parent}"]
    done = subprocess.run(
        make, cwd=ROOT, env=environment(tmp_path), text=True, capture_output=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("diabetes", "breast_cancer"):
        table = done.stdout.index(f"{name}: challengers")
        verdict = done.stdout.index("verdict: promote", table)
        assert done.stdout.index(f"torneo history {name}", verdict)
    assert done.stdout.count("champion") >= 2
    played = done.stdout.index("biopsies: played, and watched")
    alert = done.stdout.index("drift opened", played)
    trained = done.stdout.index("retrained: Promote", alert)
    ended = done.stdout.index("in the end, when version", trained)
    assert not done.stdout[ended:].startswith("in the end, when version 1 "), "who was promoted answers"
    assert done.stdout.rstrip().endswith("torneo run")
