"""Explanations of bundles with features.py: of the columns that were sent, wherever that can be done"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.bundle.making import HOOK, make, raw

from torneo.bundle.explain import Explanation, explain
from torneo.bundle.load import load
from torneo.bundle.scorer import Scorer
from torneo.bundle.write import write
from torneo.spec.records import BundleInfo


def row(columns: dict[str, list[Any]], place: int) -> dict[str, list[Any]]:
    return {name: values[place : place + 1] for name, values in columns.items()}


def gap(one: Explanation) -> float:
    return abs(one.base + sum(one.values.values()) - one.output) / max(1.0, abs(one.output))


def hooked(folder: Path, hook: str = HOOK, change: Callable[[dict[str, Any]], None] = lambda info: None) -> Scorer:
    """The bundle with a hook, perhaps another one that makes the same columns, with bundle.json changed."""
    made = make(folder / "made")
    info = json.loads((made.folder / "bundle.json").read_text())
    change(info)
    write(folder / "bundle", made.graph, BundleInfo.model_validate(info), features_source=hook)
    return load(folder / "bundle")


def test_values_are_of_the_columns_that_were_sent(tmp_path: Path) -> None:
    scorer = hooked(tmp_path)
    columns = raw(make(tmp_path / "other").frame)
    found = explain(scorer, {name: values[:20] for name, values in columns.items()})
    assert {(one.of, one.method) for one in found} == {("columns", "exact")}
    assert set(found[0].values) == {"day", "size", "kind"}
    assert [one.output for one in found] == pytest.approx(scorer.score(columns)[:20].tolist(), rel=1e-6)
    assert max(gap(one) for one in found) < 1e-6
    assert found[7] == explain(scorer, row(columns, 7))[0]
    assert all(abs(one.values["day"]) < abs(one.values["kind"]) for one in found)


def test_dates_of_any_form(tmp_path: Path) -> None:
    """The background has dates in ISO 8601, the contract says how clients write them."""
    written = hooked(tmp_path, change=lambda info: info["contract"]["day"].update(format="%d/%m/%Y"))
    columns = row(raw(make(tmp_path / "other").frame), 7)
    expected = explain(hooked(tmp_path / "iso"), columns)[0]
    year, month, day = columns["day"][0].split("-")
    assert explain(written, {**columns, "day": [f"{day}/{month}/{year}"]})[0].values == expected.values


MIXTURE = """
import polars as pl

def features(frame: pl.DataFrame) -> pl.DataFrame:
    known = pl.concat_list(pl.col("kind"), pl.col("day").dt.to_string("iso")).list.join("|")
    seen = frame.select(known.is_in({seen})).to_series()
    if frame.height > {most} and not seen.all():
        raise KeyError("a kind of that day")
    return frame.with_columns(month=pl.col("day").dt.month(), double=pl.col("size") * 2)
"""


def test_a_hook_that_refuses_mixtures_is_explained_by_what_it_makes(tmp_path: Path) -> None:
    frame = make(tmp_path / "other").frame
    seen = [f"{kind}|{day}" for kind, day in zip(frame["kind"], frame["day"], strict=True)]
    scorer = hooked(tmp_path, MIXTURE.format(seen=seen, most=100))
    columns = {name: values[:5] for name, values in raw(frame).items()}
    found = explain(scorer, columns)
    assert {one.of for one in found} == {"features"}
    assert set(found[0].values) == {"size", "kind", "month", "double"}
    assert max(gap(one) for one in found) < 1e-6


def test_a_background_of_features_is_explained_by_features(tmp_path: Path) -> None:
    made = {"size": (5000.0, None), "kind": ("x", "1"), "month": (2, 3), "double": (10000.0, None)}
    scorer = hooked(tmp_path, change=lambda info: info.update(background=made))
    one = explain(scorer, row(raw(make(tmp_path / "other").frame), 0))[0]
    assert (one.of, one.background, set(one.values)) == ("features", 2, set(made))
    assert gap(one) < 1e-6


def test_a_column_that_the_hook_reads_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"features\.py reads a column that is absent"):
        explain(hooked(tmp_path), {"size": [1.0], "kind": ["x"]})


def test_opens_no_pickle(tmp_path: Path) -> None:
    scorer, columns = hooked(tmp_path), row(raw(make(tmp_path / "other").frame), 0)
    events: list[str] = []
    listening = True

    def listen(event: str, _: object) -> None:
        if listening and event.startswith(("pickle.", "marshal.")):
            events.append(event)

    sys.addaudithook(listen)
    explain(scorer, columns)
    listening = False
    assert events == []
