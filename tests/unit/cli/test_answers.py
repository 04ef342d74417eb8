"""Commands around what is answered: predict, log, replay and traffic, from the first answer to the last erased one."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest

import small
from commands import Place
from torneo.cli import Exit
from trained import CHALLENGERS


def test_from_answers_to_a_verdict(place: Place) -> None:
    place.spec(challengers=CHALLENGERS)
    code, _, err = place.says("predict", ".", "data.csv")
    assert (code, "small has no champion yet" in err) == (Exit.NOT_FOUND, True)
    assert place.says("run")[0] == Exit.OK
    champion = json.loads(place.says("status", "--json")[1])["champion"]["number"]
    other = 3 - champion
    code, out, _ = place.says("replay", ".", "--version", str(other))
    assert code == Exit.NOT_FOUND

    rows = small.table(80, seed=5).with_columns(pl.col("id") + 1000)
    rows.with_columns(b=pl.when(pl.col("id") == 1003).then(None).otherwise("b")).write_csv("new.csv")
    code, out, _ = place.says("predict", ".", "new.csv", "--out", "answers.csv", "--log")
    assert code == Exit.FINDINGS, "a row was refused"
    assert f"version {champion} answered 79 of 80 rows: to answers.csv, and to the log" in out
    assert "refused 1 rows: answers.rejected.csv has them" in out
    assert "1 missing_b" in out
    code, out, _ = place.says("predict", ".", "new.csv", "--json", "--version", str(other))
    told = json.loads(out)
    assert (told["version"], told["predicted"], told["rejected"], told["logged"]) == (other, 79, 1, 0)
    assert (told["out"], told["rejected_file"]) == ("predictions.parquet", "predictions.rejected.csv")

    code, out, _ = place.says("replay", ".", "--version", str(other), "--json")
    assert code == Exit.CONFLICT
    assert (json.loads(out)["replayed"], json.loads(out)["labelled"]) == (79, 0)
    code, out, err = place.says("replay", ".", "--version", str(other))
    assert code == Exit.CONFLICT
    assert "share of rows whose class they differ on: " in out
    assert "there is no verdict: only 0 of 79 replayed lines have an outcome that can be judged" in err
    assert "fix torneo log outcomes small FILE" in err
    code, out, _ = place.says("log", "outcomes", ".", "answers.csv")
    assert (code, "recorded 79 outcomes of 79 rows" in out) == (Exit.OK, True)
    code, out, _ = place.says("replay", ".", "--version", str(other), "--html", "page.html")
    assert code == Exit.OK
    assert "79 of 79 answers of champions replayed, 79 of them with an outcome, 79 judged" in out
    assert "verdict: " in out
    assert "DeLong" in (place.folder / "page.html").read_text(encoding="utf-8")
    code, out, _ = place.says("replay", ".", "--version", str(other), "--json", "--since", "2020-01-01")
    assert json.loads(out)["decision"]["rows"] == 79
    _the_log_is_kept(place)
    _traffic_is_changed(place, champion, other)


def _the_log_is_kept(place: Place) -> None:
    code, out, _ = place.says("log", "show", ".", "--key", "id=1002", "--labelled")
    assert (code, out.count("champion")) == (Exit.OK, 1)
    lines = json.loads(place.says("log", "show", ".", "--rows", "5", "--json")[1])
    assert [sorted(line["output"]) for line in lines] == [["prediction", "probabilities"]] * 5
    oldest = lines[-1]["time"]
    from_then = json.loads(place.says("log", "show", ".", "--since", oldest, "--rows", "99", "--json")[1])
    before_then = json.loads(place.says("log", "show", ".", "--until", oldest, "--rows", "99", "--json")[1])
    assert lines[-1] in from_then, "a moment is taken as it is printed"
    assert len(from_then) + len(before_then) == 79
    assert "no such line" in place.says("log", "show", ".", "--role", "shadow")[1]
    assert "wrote 79 lines to log.parquet" in place.says("log", "export", ".")[1]
    assert pl.read_parquet("log.parquet")["outcome"].null_count() == 0
    assert json.loads(place.says("log", "export", ".", "--version", "9", "--json")[1])["rows"] == 0
    pl.DataFrame({"prediction_id": [lines[0]["id"], "nobody"], "value": ["1", "1"]}).write_csv("o.csv")
    code, out, _ = place.says("log", "outcomes", ".", "o.csv", "--json")
    assert (code, json.loads(out)["unknown"]) == (Exit.FINDINGS, 1)
    assert "about predictions that the log does not have" in place.says("log", "outcomes", "o.csv")[1]
    assert place.says("log", "erase", ".", "--key", "id=1002")[1] == "1 lines removed\n"
    assert json.loads(place.says("log", "erase", ".", "--key", "id=1002", "--json")[1]) == {"removed": 0}
    code, _, err = place.says("log", "erase", ".")
    assert (code, "fix --key id=…" in err) == (Exit.CONFLICT, True)
    assert "0 lines from before" in place.says("log", "prune", ".", "--keep", "1d")[1]
    assert "78 lines from before 2100-01-01 00:00 UTC would be removed" in place.says(
        "log", "prune", ".", "--before", "2100-01-01", "--dry-run"
    )[1]  # fmt: skip
    assert json.loads(place.says("log", "prune", ".", "--before", "2100-01-01", "--json")[1])["removed"] == 78


def _traffic_is_changed(place: Place, champion: int, other: int) -> None:
    assert "challenger: none" in place.says("traffic", ".")[1]
    code, out, _ = place.says("traffic", ".", "--challenger", str(other), "--share", "10%", "--why", "try it")
    assert code == Exit.OK
    assert f"challenger: version {other}" in out
    assert "answers 10.0% of the subjects" in out
    assert "answers 10.0% of the subjects" in place.says("status")[1]
    assert json.loads(place.says("status", "--json")[1])["traffic"]["share"] == 0.1
    assert "try it" in place.says("history")[1]
    code, _, err = place.says("traffic", ".", "--shadow", str(champion), "--why", "x")
    assert (code, "is champion: it cannot be shadow as well" in err) == (Exit.CONFLICT, True)
    assert place.says("promote", ".", str(other), "--why", "it is better")[0] == Exit.OK
    found = json.loads(place.says("traffic", "--json")[1])
    assert (found["champion"]["number"], found["challenger"], found["share"]) == (other, None, 0.0)
    code, _, err = place.says("traffic", ".", "--shadow", "none", "--challenger", "none", "--why", "over")
    assert code == Exit.OK, err


def test_csv_goes_to_stdout_alone(place: Place) -> None:
    place.says("run")
    code, out, err = place.says("predict", "data.csv", "--out", "-")
    assert (code, pl.read_csv(io.StringIO(out)).height) == (Exit.OK, 120)
    assert "answered 120 of 120 rows" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("predict", ".", "data.csv", "--out", "-", "--json"), "the rows go to stdout already"),
        (("traffic", ".", "--shadow", "2"), "say why, for the record"),
        (("traffic", ".", "--why", "x"), "nothing is to change"),
        (("traffic", ".", "--shadow", "v2", "--why", "x"), "expected the number of a version, or none"),
        (("traffic", ".", "--challenger", "2", "--share", "lots", "--why", "x"), "expected a share such as 10%"),
        (("log", "show", ".", "--role", "king"), "is none of champion, challenger, shadow"),
        (("log", "show", ".", "--since", "yesterday"), "expected a day or a moment such as"),
        (("log", "show", ".", "--key", "id"), "expected NAME=VALUE"),
        (("log", "prune", "."), "say which lines"),
        (("log", "prune", ".", "--keep", "lots"), "expected days or weeks"),
        (("log", "prune", ".", "--before", "2026-01-01", "--keep", "9d"), "say which lines"),
    ],
)
def test_commands_that_are_wrong(place: Place, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = place.says(*arguments)
    assert code == Exit.USAGE
    assert told in " ".join(err.replace("│", " ").split())
