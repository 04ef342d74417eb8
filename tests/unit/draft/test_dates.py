"""Dates are recognised as they are written, and the gate reads them so."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.draft.conftest import Gated

Writer = Callable[..., Path]
Gate = Callable[[Path, str], Gated]
DAYS = [datetime.datetime(2023, 1, 1, 9, 30) + datetime.timedelta(days=i) for i in range(120)]


def _file(texts: list[str]) -> str:
    return "day,x,y\n" + "".join(f'"{text}",{i % 9},{i % 11}.5\n' for i, text in enumerate(texts))


@pytest.mark.parametrize(
    ("written_as", "kind", "form"),
    [
        ("%Y-%m-%d", "date", None),
        ("%Y-%m-%d %H:%M:%S", "datetime", None),
        ("%Y-%m-%dT%H:%M:%SZ", "datetime", None),
        ("%d/%m/%Y", "date", "%d/%m/%Y"),
        ("%m/%d/%Y", "date", "%m/%d/%Y"),
        ("%d.%m.%Y %H:%M", "datetime", "%d.%m.%Y %H:%M"),
        ("%m/%d/%Y %I:%M %p", "datetime", "%m/%d/%Y %I:%M %p"),
        ("%d %b %Y", "date", "%d %b %Y"),
        ("%d/%m/%y", "date", "%d/%m/%y"),
        ("%Y%m%d", "date", "%Y%m%d"),
    ],
)
def test_dates_are_read_as_written(written: Writer, gated: Gate, written_as: str, kind: str, form: str | None) -> None:
    _, project, report = gated(written(_file([day.strftime(written_as) for day in DAYS])), "y")
    column = project.contract.columns["day"]
    assert (column.type, column.format) == (kind, form)
    assert project.split.by_time == "day"
    assert report.rejected.rows == 0


def test_the_order_of_rows_decides_between_day_and_month(written: Writer, gated: Gate) -> None:
    days = [datetime.date(2020 + i // 24, i // 2 % 12 + 1, (2, 9)[i % 2]) for i in range(72)]
    drafted, project, _ = gated(written(_file([f"{day.month}/{day.day}/{day.year}" for day in days])), "y")
    assert project.contract.columns["day"].format == "%m/%d/%Y"
    assert not any("other way round" in note for note in drafted.notes)


def test_what_stays_open_is_said(written: Writer, gated: Gate) -> None:
    drafted, project, _ = gated(written(_file([f"{i % 5 + 1}/{i % 7 + 1}/2023" for i in range(120)])), "y")
    assert project.contract.columns["day"].format == "%d/%m/%Y"
    assert any("could be the other way round" in note for note in drafted.notes)
    assert any("set `split: {by_time: day}`" in note for note in drafted.notes)


def test_a_date_that_does_not_exist_is_refused_and_told(written: Writer, gated: Gate) -> None:
    texts = [day.strftime("%d/%m/%Y") for day in DAYS]
    texts[40] = "31/02/2023"
    drafted, _, report = gated(written(_file(texts)), "y")
    assert report.reasons == {"invalid_day": 1}
    assert any("are no such date" in note for note in drafted.notes)
