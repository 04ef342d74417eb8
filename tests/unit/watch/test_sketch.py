from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.errors import BundleError, NotFoundError
from torneo.watch.sketch import Baseline, Categories, Numbers, Sketch, empty, merge, sketch
from unit.watch.making import baseline_of

ROWS = st.lists(
    st.tuples(
        st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, float("nan"), float("inf")]),
        st.none() | st.sampled_from(["", "a", "b", "c", "new", "newer"]),
    ),
    max_size=60,
)
TRAINED = baseline_of(
    pl.DataFrame({"x": np.random.default_rng(0).normal(0, 1e5, 500), "c": ["a", "a", "b", "c", None] * 100})
)


def _frame(rows: list[tuple[float | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"x": pl.Float64, "c": pl.String}, orient="row")


def _same(first: Sketch, second: Sketch) -> None:
    if isinstance(first, Numbers):
        assert isinstance(second, Numbers)
        moments = {"mean", "squares"}
        assert first.model_dump(exclude=moments) == second.model_dump(exclude=moments)
        assert first.mean == pytest.approx(second.mean, rel=1e-9, abs=1e-6)
        assert first.squares == pytest.approx(second.squares, rel=1e-9, abs=1e-3)
    else:
        assert first == second


@given(ROWS, st.integers(0, 60))
def test_the_sketch_of_both_parts_is_the_merge_of_their_sketches(
    rows: list[tuple[float | None, str | None]], cut: int
) -> None:
    whole = sketch(TRAINED, _frame(rows))
    parts = merge(sketch(TRAINED, _frame(rows[:cut])), sketch(TRAINED, _frame(rows[cut:])))
    for name in ("x", "c"):
        _same(whole[name], parts[name])


@given(ROWS)
def test_every_row_is_counted_once_and_nothing_changes_it(rows: list[tuple[float | None, str | None]]) -> None:
    made = sketch(TRAINED, _frame(rows))
    assert [each.rows for each in made.values()] == [len(rows)] * 2
    for name, each in merge(empty(TRAINED), made).items():
        _same(each, made[name])


@given(st.permutations(range(4)))
def test_the_order_of_merging_does_not_matter(order: list[int]) -> None:
    random = np.random.default_rng(1)
    frames = [
        pl.DataFrame({"x": random.normal(0, 2e5, 50), "c": random.choice(["a", "b", "new"], 50)}) for _ in range(4)
    ]
    whole = sketch(TRAINED, pl.concat(frames))
    merged = empty(TRAINED)
    for place in order:
        merged = merge(merged, sketch(TRAINED, frames[place]))
    for name in ("x", "c"):
        _same(merged[name], whole[name])


def test_moments_are_those_of_the_values() -> None:
    values = 1e9 + np.random.default_rng(2).normal(size=1000)
    trained = baseline_of(pl.DataFrame({"x": values}))
    made = merge(sketch(trained, pl.DataFrame({"x": values[:10]})), sketch(trained, pl.DataFrame({"x": values[10:]})))[
        "x"
    ]
    assert isinstance(made, Numbers)
    assert made.std == pytest.approx(values.std(ddof=1), rel=1e-6), "deviations are not lost beside a large mean"
    assert (made.low, made.high) == (values.min(), values.max())


def test_what_lies_outside_and_what_is_new_is_counted() -> None:
    trained = baseline_of(pl.DataFrame({"x": [1.0, 2.0, 3.0], "c": ["a", "b", "b"]}))
    made = sketch(trained, pl.DataFrame({"x": [0.5, 1.0, 3.0, 9.0, 99.0], "c": ["z", "a", "y", "y", None]}))
    assert isinstance(made["x"], Numbers)
    assert isinstance(made["c"], Categories)
    assert (made["x"].counts[0], made["x"].counts[-1]) == (1, 2)
    assert (made["c"].other, made["c"].unseen, made["c"].missing) == (3, ("y", "z"), 1)


def test_rounding_to_32_bits_moves_no_value_to_another_bin() -> None:
    leaves = np.random.default_rng(3).normal(size=30)
    values = np.random.default_rng(4).choice(leaves, 2000)
    trained = baseline_of(pl.DataFrame({"x": values}))
    exact, rounded = (
        sketch(trained, pl.DataFrame({"x": each})) for each in (values, values.astype(np.float32).astype(np.float64))
    )
    assert exact["x"].model_dump()["counts"] == rounded["x"].model_dump()["counts"]


def test_numbers_booleans_and_categories_of_other_types_are_read() -> None:
    trained = baseline_of(pl.DataFrame({"x": [0.0, 1.0], "c": ["1", "2"]}))
    made = sketch(trained, pl.DataFrame({"x": [True, False, True], "c": [1, 2, 2]}))
    assert made["x"].model_dump()["counts"] == (0, 1, 2, 0)
    assert made["c"].model_dump()["counts"] == {"1": 1, "2": 2}


def test_memory_does_not_grow_with_the_rows() -> None:
    random = np.random.default_rng(5)
    frame = pl.DataFrame(
        {"x": random.normal(size=100_000), "c": [f"c{number}" for number in random.integers(0, 50_000, 100_000)]}
    )
    trained = baseline_of(frame)
    sizes = [len(each.model_dump_json()) for each in sketch(trained, frame).values()]
    assert max(sizes) < 10_000, sizes


def test_sketches_of_different_baselines_do_not_merge() -> None:
    other = baseline_of(pl.DataFrame({"x": [1.0, 2.0], "c": ["a", "q"]}))
    for name, base in itertools.product(("x", "c"), (TRAINED,)):
        with pytest.raises(ValueError, match="different baselines"):
            merge({name: empty(base)[name]}, {name: empty(other)[name]})


def test_a_column_that_training_did_not_have_is_an_error_with_the_nearest_name() -> None:
    trained = baseline_of(pl.DataFrame({"tenure": [1.0, 2.0]}))
    with pytest.raises(NotFoundError, match=r"no column 'tenur' .*did you mean 'tenure'"):
        sketch(trained, pl.DataFrame({"tenur": [1.0]}))


def test_a_baseline_of_an_older_bundle_is_refused() -> None:
    old = {"kind": "numeric", "rows": 2, "missing": 0, "edges": [0.0, 1.0], "counts": [2]}
    with pytest.raises(BundleError, match=r"of x was made by an older Torneo(.|\n)*fix: train again"):
        Baseline.read({"x": old})


def test_a_sketch_survives_json() -> None:
    made = sketch(TRAINED, _frame([(1.5, "a"), (None, "new")]))
    for each in made.values():
        assert type(each).model_validate_json(each.model_dump_json()) == each
