"""Who judges: decided by what a row says, and by nothing else."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.errors import TrainError
from torneo.learn.split import judged_rows, row_hashes
from torneo.spec.project import Split

ROWS = st.integers(10, 80)
SEEDS = st.integers(0, 5)
VALUES = st.lists(
    st.tuples(st.sampled_from([None, "x", "y", "ñ", ""]), st.sampled_from([None, -0.0, 0.0, 1.5]), st.integers(0, 3)),
    min_size=8,
    max_size=60,
)


def different(rows: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    kinds = random.choice(["a", "b", None], rows).tolist()
    return pl.DataFrame(
        {"id": np.arange(rows), "x": random.normal(size=rows), "kind": kinds}, schema_overrides={"kind": pl.String}
    )


@settings(deadline=None)
@given(ROWS, SEEDS, st.sampled_from([0.2, 0.25, 0.5]))
def test_the_share_is_exact(rows: int, seed: int, share: float) -> None:
    assert judged_rows(different(rows), Split(test=share, seed=seed)).sum() == round(rows * share)


@settings(deadline=None)
@given(ROWS, SEEDS)
def test_the_share_of_each_stratum_is_exact(rows: int, seed: int) -> None:
    frame = different(rows)
    mask = judged_rows(frame, Split(test=0.5, stratify="kind", seed=seed))
    for kind in ("a", "b", None):
        stratum = frame["kind"].eq_missing(pl.Series([kind], dtype=pl.String)).to_numpy()
        assert mask[stratum].sum() == round(stratum.sum() * 0.5)


@settings(deadline=None)
@given(ROWS, SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: int, seed: int, random: object) -> None:
    frame = different(rows)
    order = np.random.default_rng(seed).permutation(rows)
    for split in (Split(seed=seed), Split(test=0.5, stratify="kind"), Split(group="kind", test=0.3)):
        try:
            mask = judged_rows(frame, split)
        except TrainError:
            continue
        assert (judged_rows(frame[order], split) == mask[order]).all()


@settings(deadline=None)
@given(VALUES, SEEDS)
def test_equal_rows_are_never_on_both_sides(values: list[tuple[object, ...]], seed: int) -> None:
    frame = pl.DataFrame(values, schema={"t": pl.String, "f": pl.Float64, "i": pl.Int64}, orient="row")
    try:
        mask = judged_rows(frame, Split(test=0.3, seed=seed))
    except TrainError:
        return  # all rows are alike: there is no fair split, and it says so
    train, test = ({repr((t, f and f + 0.0, i)) for t, f, i in frame.filter(side).rows()} for side in (~mask, mask))
    assert not train & test
    largest = frame.with_columns(pl.col("f") + 0.0).group_by(pl.all()).len()["len"].max()
    assert isinstance(largest, int)
    assert abs(mask.sum() - round(frame.height * 0.3)) <= largest / 2


@settings(deadline=None)
@given(st.integers(1, 40), SEEDS)
def test_a_row_stays_on_its_side_when_others_come(more: int, seed: int) -> None:
    """Only rows near the border move: no more of them than the share of those that came."""
    frame, newer = different(100), different(100 + more, seed=1)[100:]
    before = judged_rows(frame, Split(test=0.2, seed=seed))
    after = judged_rows(pl.concat([frame, newer]), Split(test=0.2, seed=seed))[:100]
    moved = np.flatnonzero(before != after)
    hashes = row_hashes(frame, seed)
    assert len(moved) <= more
    if len(moved):
        border = np.sort(hashes)[19]
        inside = (hashes >= min(hashes[moved].min(), border)) & (hashes <= max(hashes[moved].max(), border))
        assert inside.sum() <= len(moved) + 1


def test_a_million_ids_that_floats_cannot_tell_apart_split_alike() -> None:
    frame = pl.DataFrame({"shop": [2**53 + number for number in range(60)]})
    split = Split(test=0.5, group="shop")
    masks = {judged_rows(frame, split).tobytes() for _ in range(20)}
    assert len(masks) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=5, max_size=60), SEEDS)
def test_a_group_is_never_on_both_sides(groups: list[str | None], seed: int) -> None:
    frame = pl.DataFrame({"id": range(len(groups)), "who": groups}, schema={"id": pl.Int64, "who": pl.String})
    if len(set(groups)) < 2:
        return
    try:
        mask = judged_rows(frame, Split(test=0.3, group="who", seed=seed))
    except TrainError:
        return
    assert not set(frame.filter(mask)["who"]) & set(frame.filter(~mask)["who"])


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=10, max_size=80))
def test_fault_4_nothing_that_trains_is_later_than_what_judges(days: list[int]) -> None:
    """Fault 4: calendar data was split at random, so the future leaked into training."""
    frame = pl.DataFrame({"day": days}).select(pl.col("day").cast(pl.Int32).cast(pl.Date))
    if len(set(days)) < 2:
        with pytest.raises(TrainError, match="cannot be split into"):
            judged_rows(frame, Split(by_time="day"))
        return
    try:
        mask = judged_rows(frame, Split(by_time="day", test=0.3))
    except TrainError:
        assert days.count(min(days)) > len(days) * 0.7 - 1  # the first moment alone is too large a share
        return
    moments = frame["day"].to_numpy()
    assert moments[~mask].max() < moments[mask].min()


def test_hashes_are_the_same_in_another_process() -> None:
    code = """
import datetime, polars as pl
from torneo.learn.split import row_hashes
day = datetime.date(2024, 2, 29)
frame = pl.DataFrame({"a": [1, None], "b": ["ñ", None], "c": [0.1, -0.0], "d": [True, None], "e": [day, None]})
print(row_hashes(frame, 42).tolist())
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "3"}
    )
    assert said.stdout.strip() == "[5438382704030745484, 14468020559136793123]"


def test_hashes_tell_rows_apart() -> None:
    frame = pl.DataFrame({"a": ["", None, "0", "x"], "b": ["x", "x", "x", ""]})
    assert len(set(row_hashes(frame).tolist())) == 4
    many = different(5000)
    assert len(set(row_hashes(many).tolist())) == 5000
    assert (row_hashes(many, 1) != row_hashes(many, 2)).all()
    assert row_hashes(pl.DataFrame({"a": [0.0]})) == row_hashes(pl.DataFrame({"a": [-0.0]}))


def test_columns_without_a_value() -> None:
    nothing = pl.DataFrame({"a": [None] * 10, "b": range(10)}, schema={"a": pl.String, "b": pl.Int64})
    assert judged_rows(nothing, Split(test=0.2)).sum() == 2


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_rows(rows: int) -> None:
    with pytest.raises(TrainError, match=f"{rows} rows cannot be split into 80% to train and 20% to judge"):
        judged_rows(different(rows), Split())
