"""The feature hook, and what a model reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import small
from torneo.errors import HookError, TrainError
from torneo.hooks import Hooks, load_hooks
from torneo.learn.features import apply_hook, columns_of, columns_read, features_of, outcomes, rows_of
from torneo.spec.records import LINE, Feature

FRAME = small.table(50).with_columns(pl.int_range(2, 52).alias(LINE))


def applied(folder: Path, body: str, frame: pl.DataFrame = FRAME) -> pl.DataFrame:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (folder / "features.py").write_text(f"import polars as pl\n\n\ndef features(frame):\n{lines}\n", encoding="utf-8")
    return apply_hook(load_hooks(folder), frame, folder)


def test_without_a_hook_nothing_happens(tmp_path: Path) -> None:
    assert apply_hook(Hooks(), FRAME, tmp_path) is FRAME


def test_a_hook_adds_columns_and_does_not_see_lines(tmp_path: Path) -> None:
    made = applied(
        tmp_path, f"assert '{LINE}' not in frame.columns\nreturn frame.with_columns(s=pl.col('a') + pl.col('b'))"
    )
    assert made["s"].to_list() == pytest.approx((FRAME["a"] + FRAME["b"]).to_list())
    assert made[LINE].equals(FRAME[LINE])


@pytest.mark.parametrize(
    "expression",
    [
        "pl.col('a') - pl.col('a').mean()",
        "pl.col('a').rank()",
        "pl.col('a').shift(1)",
        "pl.len()",
        "pl.col('a').cum_sum()",
    ],
)
def test_a_hook_that_looks_at_other_rows_is_refused(tmp_path: Path, expression: str) -> None:
    with pytest.raises(HookError, match=r"gives a row other values alone than among others \(line \d+\)"):
        applied(tmp_path, f"return frame.with_columns(c={expression})")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return frame.drop('a', 'b')", "must keep the contract's columns; it lost or changed a, b$"),
        ("return frame.with_columns(pl.col('a').cast(pl.String))", "it lost or changed a$"),
        ("return frame.with_columns(pl.col('a') + 1)", "it lost or changed a$"),
        ("return frame.sort('a')", "it lost or changed id, "),
        ("return frame.reverse()", "it lost or changed id, "),
        ("return frame.filter(pl.col('a') > 0)", r"with a row for each row, not \d+ rows for 50"),
        ("return frame.lazy()", "with a row for each row, not LazyFrame"),
        ("frame.with_columns(c=1)", "with a row for each row, not NoneType"),
    ],
)
def test_a_hook_that_changes_what_is_there_is_refused(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(HookError, match=message):
        applied(tmp_path, body)


def test_a_hook_that_fails_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(HookError, match=r"features\.py:6: ColumnNotFoundError: .*nobody"):
        applied(tmp_path, "x = 1\nreturn frame.with_columns(pl.col('nobody'))")


def test_a_hook_that_takes_something_else_is_told_at_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text("def features(): return 1\n", encoding="utf-8")
    with pytest.raises(HookError, match=f"^{tmp_path / 'features.py'}:1: TypeError: features"):
        apply_hook(load_hooks(tmp_path), FRAME, tmp_path)


def test_no_rows(tmp_path: Path) -> None:
    assert applied(tmp_path, "return frame.with_columns(c=pl.col('a') * 2)", FRAME.clear()).height == 0


def test_missing_values_are_equal_to_themselves(tmp_path: Path) -> None:
    frame = FRAME.with_columns(pl.lit(None, dtype=pl.Float64).alias("a"))
    assert applied(tmp_path, "return frame.with_columns(c=pl.col('a') * 2)", frame)["c"].null_count() == 50


def test_the_inputs_of_a_model() -> None:
    schema = pl.Schema(
        {
            **FRAME.schema,
            "text": pl.String,
            "flag": pl.Boolean,
            "when": pl.Date,
            "number": pl.Int8,
            "many": pl.List(pl.Int8),
        }
    )
    project = small.project()
    own = features_of(project, schema, hooked=False)
    assert [each.name for each in own] == ["shop", "a", "b", "colour"]
    assert own[3] == Feature(name="colour", kind="categorical", categories=("red", "green"))
    assert [(each.name, each.kind) for each in features_of(project, schema, hooked=True)[4:]] == [
        ("text", "categorical"),
        ("flag", "numeric"),
        ("number", "numeric"),
    ]


def test_no_inputs() -> None:
    columns = {"day": {"type": "date"}, "y": {"type": "float"}}
    project = small.project(classes=False, contract={"columns": columns})
    with pytest.raises(TrainError, match="small has no column that a model may read"):
        features_of(project, pl.Schema({"day": pl.Date, "y": pl.Float64}), hooked=False)


def test_outcomes_are_places_in_the_classes() -> None:
    project = small.project(positive=0)
    text = FRAME["y"].cast(pl.String)
    assert outcomes(project, text).tolist() == [1 - value for value in FRAME["y"]]
    assert outcomes(small.project(classes=False), FRAME["a"]).dtype == np.float64


def test_rows_have_what_folds_must_respect() -> None:
    frame = FRAME.with_columns(pl.col("y").cast(pl.String))
    timed = small.project(split={"by_time": "day"})
    features = features_of(timed, frame.schema, hooked=False)
    rows = rows_of(timed, frame, features)
    assert rows.times is not None
    assert np.argsort(rows.times, kind="stable").tolist() == frame["day"].arg_sort().to_list()
    assert rows.groups is None
    grouped = rows_of(small.project(split={"group": "shop"}), frame, features)
    assert grouped.groups is not None
    assert len(np.unique(grouped.groups)) == frame["shop"].n_unique()


def test_columns_as_a_client_sends_them() -> None:
    sent = columns_of(small.project(), FRAME.with_columns(extra=1))
    assert list(sent) == ["id", "day", "shop", "a", "b", "colour", "y"]
    assert isinstance(sent["a"], np.ndarray)
    assert isinstance(sent["colour"], list)


@pytest.mark.parametrize(
    ("body", "features", "read"),
    [
        (None, ["b", "colour"], ("b", "colour")),
        ("return frame.with_columns(m=pl.col('day').dt.month())", ["m", "a"], ("day", "a")),
        ("return frame.with_columns(m=pl.col('day').dt.month(), s=pl.col('shop') * 2)", ["b"], ("day", "shop", "b")),
        ("return frame.with_columns(n=pl.sum_horizontal(pl.selectors.float()))", ["n"], ("a", "b")),
    ],
)
def test_columns_that_a_hook_reads(
    tmp_path: Path, body: str | None, features: list[str], read: tuple[str, ...]
) -> None:
    if body is not None:
        applied(tmp_path, body)
    project = small.project(classes=False)
    assert columns_read(project, load_hooks(tmp_path), FRAME, features, tmp_path) == read


def test_a_hook_must_do_without_the_target(tmp_path: Path) -> None:
    applied(tmp_path, "return frame.with_columns(z=pl.col('y') * 2)")
    with pytest.raises(HookError, match=r"features\.py:\d+: ColumnNotFoundError.*y"):
        columns_read(small.project(classes=False), load_hooks(tmp_path), FRAME, ["z"], tmp_path)
