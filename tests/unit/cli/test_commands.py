"""The command line on a small project: what it prints, and the code with which it ends."""

from __future__ import annotations

import json

import polars as pl
import pytest

import small
from commands import Place
from torneo import errors
from torneo.cli import CODES, Exit


def test_from_data_to_champion_and_back(place: Place) -> None:
    code, out, err = place.says("run")
    assert code == Exit.OK, err
    assert "verdict: promote" in out
    assert "it has not run before" in err
    code, out, err = place.says("run", "--json")
    (report,) = json.loads(out)
    assert {step["status"] for step in report["steps"]} == {"unchanged"}
    code, out, _ = place.says("status", "--json")
    assert json.loads(out)["champion"]["number"] == 1
    code, out, _ = place.says("history")
    assert "the chain of digests holds" in out
    code, _, err = place.says("rollback", ".", "--why", "test")
    assert (code, "no previous champion" in err) == (Exit.CONFLICT, True)
    code, out, _ = place.says("doctor")
    assert code == Exit.OK
    assert "1 decisions, the chain holds; champion is version 1" in out
    (found,) = (place.folder / "home" / "objects" / "small" / "bundles").iterdir()
    (found / "digests.json").unlink()
    code, out, _ = place.says("doctor")
    assert code == Exit.FINDINGS
    assert "but its bundle is gone" in out


def test_fault_16_a_typo_in_the_label_ends_with_the_gate_s_code(place: Place) -> None:
    """Fault 16: `05` in a 0/1 label became a third class without a word."""
    typo = pl.when(pl.col("id") < 20).then(pl.lit("05")).otherwise(pl.col("y").cast(pl.String)).alias("y")
    small.table(120).with_columns(typo).write_csv(place.folder / "data.csv")
    code, _, err = place.says("run")
    assert code == Exit.GATE
    assert "the gate refused 20 of 120 rows (16.7%)" in err
    assert "unknown_y 20" in err
    code, out, _ = place.says("quarantine", "show", "--json")
    shown = json.loads(out)
    assert shown["reasons"] == {"unknown_y": 20}
    assert {row["y"] for row in shown["rows"]} == {"05"}
    assert json.loads(place.says("status", "--json")[1])["champion"] is None


def test_fault_13_a_training_error_ends_with_a_code(place: Place) -> None:
    """Fault 13: training errors were caught and the task stayed green."""
    place.spec(challengers={"line": {"model": "linear", "params": {"C": -1.0}}})
    code, out, err = place.says("run")
    assert code == Exit.TRAIN
    assert "cannot be fitted" in err
    assert "verdict" not in out
    told = json.loads(place.says("run", "--json")[1])["error"]
    assert (told["kind"], told["code"], "cannot be fitted" in told["message"]) == ("TrainError", Exit.TRAIN, True)
    steps = json.loads(place.says("status", "--json")[1])["steps"]
    assert steps["prepare"] is not None
    assert steps["train:line"] is None
    assert steps["judge"] is None


def test_a_wrong_project_file(place: Place) -> None:
    place.spec(split={"tset": 0.2})
    code, _, err = place.says("check")
    assert code == Exit.SPEC
    assert "unknown key 'tset' (did you mean 'test'?)" in err


@pytest.mark.parametrize(("value", "told"), [("many", "valid integer"), ("0", "greater than or equal to 1")])
def test_a_wrong_setting_has_no_traceback(place: Place, value: str, told: str) -> None:
    place.monkeypatch.setenv("TORNEO_JOBS", value)
    code, _, err = place.says("run")
    assert code == Exit.USAGE
    assert err.startswith("error TORNEO_JOBS: ")
    assert told in err
    assert f"not '{value}'" in " ".join(err.split())


def test_a_home_that_cannot_be_made(place: Place) -> None:
    (place.folder / "file").write_text("", encoding="utf-8")
    place.monkeypatch.setenv("TORNEO_HOME", str(place.folder / "file" / "home"))
    code, _, err = place.says("run")
    assert code == Exit.USAGE
    assert "TORNEO_HOME: " in err
    assert "cannot be made: Not a directory" in err


def test_a_project_that_is_not_there(place: Place) -> None:
    (place.folder / "projects" / "ads").mkdir(parents=True)
    (place.folder / "projects" / "ads" / "project.yaml").write_text("", encoding="utf-8")
    code, _, err = place.says("run", "adds")
    assert code == Exit.NOT_FOUND
    assert "projects/adds/project.yaml or adds/project.yaml; projects here: ads" in err


def test_a_wrong_command_line(place: Place) -> None:
    assert place.says("run", "--jsn")[0] == Exit.USAGE
    assert place.says("quarantine", "show", "--rows", "0")[0] == Exit.USAGE
    code, _, err = place.says("run", "--date", "2026-13-05")
    assert code == Exit.USAGE
    assert "Invalid value for '--date': expected a day such as 2026-03-31, not" in err


def test_check_and_schema(place: Place) -> None:
    code, out, _ = place.says("check")
    assert code == Exit.OK
    assert "90 rows to train, 30 to judge" in out
    for dates in (["--date", "2026-01-05"], ["--from", "2026-01-01", "--to", "2026-01-05"]):
        assert "trains: dates are for projects with `load:`" in place.says("check", *dates)[2]
    schema = json.loads(place.says("schema")[1])
    assert [kind["$ref"] for kind in schema["anyOf"]] == ["#/$defs/Project", "#/$defs/LoadProject"]
    kind = schema["$defs"]["Project"]
    assert kind["additionalProperties"] is False
    assert set(kind["required"]) == {"project", "task", "target", "source", "contract"}


def test_every_error_has_a_code() -> None:
    def below(kind: type[errors.TorneoError]) -> set[type[errors.TorneoError]]:
        return {kind, *(each for child in kind.__subclasses__() for each in below(child))}

    raised = {each for each in below(errors.TorneoError) if each.__module__ == "torneo.errors"}
    categories = {errors.TorneoError, errors.Terminal, errors.Transient}
    assert set(CODES) == raised - categories
    assert Exit.OK not in CODES.values()


def test_the_docstring_of_an_error_is_its_message() -> None:
    assert str(errors.UnavailableError()) == "A store or a server does not answer."
    assert str(errors.MissingExtraError("gx", "great", "the suite")).endswith("\n  fix: pip install 'torneo[great]'")
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in CODES)
