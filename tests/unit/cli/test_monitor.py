"""torneo drift and torneo performance: what they say, as tables, JSON and pages, and how they end."""

from __future__ import annotations

import json

import polars as pl

import small
from commands import Place
from torneo.cli import Exit


def test_from_answers_to_drift_and_performance(place: Place) -> None:
    code, _, err = place.says("drift", ".")
    assert (code, "small has no champion yet" in err) == (Exit.NOT_FOUND, True)
    assert place.says("run")[0] == Exit.OK
    code, out, _ = place.says("drift", ".")
    assert (code, "0 rows are not enough" in out) == (Exit.OK, True), out

    usual = small.table(120, seed=5).with_columns(pl.col("id") + 1000)
    usual.write_csv("usual.csv")
    assert place.says("predict", ".", "usual.csv", "--out", "answers.csv", "--log")[0] == Exit.OK
    code, out, err = place.says("performance", ".")
    assert (code, "0 of 120 predictions have an outcome" in out, "without outcomes" in out) == (Exit.OK, True, True)
    assert place.says("log", "outcomes", ".", "answers.csv")[0] == Exit.OK
    code, out, _ = place.says("performance", ".", "--json", "--html", "performance.html")
    told = json.loads(out)
    assert (code, told["labelled"], told["total"]["labelled"]) == (Exit.OK, 120, 120)
    assert "by 120 outcomes" in (place.folder / "performance.html").read_text(encoding="utf-8")

    usual.with_columns(pl.col("a") + 4).write_csv("odd.csv")
    assert place.says("predict", ".", "odd.csv", "--out", "odd_answers.csv", "--log")[0] == Exit.OK
    code, out, _ = place.says("drift", ".", "--window", "120rows", "--html", "drift.html")
    assert code == Exit.FINDINGS
    for words in ("columns drifted over 240 rows", "windows of 120rows", "a: "):
        assert words in out, out
    assert "Where they differ" in (place.folder / "drift.html").read_text(encoding="utf-8")
    told = json.loads(place.says("drift", ".", "--window", "120rows", "--json")[1])
    assert [window["verdict"] for window in told["windows"]] == ["no drift", "drift"]


def test_what_cannot_be_understood_or_written_is_told(place: Place) -> None:
    code, _, err = place.says("drift", ".", "--window", "soon")
    assert (code, "6h, 1d or 5000 rows" in err) == (Exit.USAGE, True), err
    assert place.says("run")[0] == Exit.OK
    code, _, err = place.says("drift", ".", "--html", "nowhere/drift.html")
    assert (code, "cannot be written" in err) == (Exit.CONFLICT, True), err
