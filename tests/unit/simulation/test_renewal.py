"""A row that comes again is another one."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import small
from torneo.simulation.renewal import renewed
from torneo.spec.project import Project

TIMES = [1_772_323_200_000, 1_772_409_599_999]  # the first millisecond of the first of March 2026, and the last


def declared(key: list[str], by_time: str | None = None) -> Project:
    columns: dict[str, Any] = {
        "id": {"type": "int"}, "code": {"type": "text"}, "day": {"type": "date"}, "y": {"type": "float"}
    }  # fmt: skip
    split = {} if by_time is None else {"split": {"by_time": by_time}}
    return small.project(classes=False, contract={"columns": columns, "key": key}, **split)


FRAME = pl.DataFrame({"id": [7, 3], "code": ["x", "x"], "day": [None, None], "y": [0.5, 1.5]}).with_columns(
    pl.col("day").cast(pl.Date)
)


@pytest.mark.parametrize(("key", "column"), [(["id"], "id"), (["code"], "code"), (["day", "code"], "code")])
def test_keys_are_never_used_twice(key: list[str], column: str) -> None:
    days = [renewed(declared(key), FRAME, FRAME, played, TIMES) for played in (0, 2, 4)]
    whole = pl.concat([FRAME, *days])
    assert whole[column].n_unique() == 6 + FRAME[column].n_unique()
    assert whole.drop(column).equals(pl.concat([FRAME] * 4).drop(column)), "nothing else is changed"


def test_without_a_key_nothing_is_renewed() -> None:
    assert renewed(declared([]), FRAME, FRAME, 0, TIMES).equals(FRAME)


def test_rows_that_are_ordered_in_time_get_the_time_at_which_they_are_played() -> None:
    made = renewed(declared([], by_time="day"), FRAME, FRAME, 0, TIMES)
    assert made["day"].dtype == pl.Date
    assert [str(day) for day in made["day"]] == ["2026-03-01"] * 2
