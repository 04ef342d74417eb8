from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl

from torneo.reports.profile import profile
from torneo.reports.profile_page import profile_page
from torneo.spec.project import Project

NASTY = '<script>alert("1")</script>&\''


def nasty() -> tuple[pl.LazyFrame, Project]:
    frame = pl.LazyFrame(
        {
            NASTY: [NASTY, "b", None] * 20,
            "when": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 29), "1d", eager=True),
            "x": np.append(np.arange(59.0), np.nan),
            "y": np.arange(60.0),
        }
    )
    spec = Project.model_validate(
        {
            "project": "example", "task": "regression", "target": "y", "source": {"uri": "x.csv"},
            "contract": {
                "columns": {
                    NASTY: {"type": "category", "nullable": True, "unit": NASTY, "help": NASTY},
                    "when": {"type": "datetime"}, "x": {"type": "float"}, "y": {"type": "float"},
                }
            },
        }
    )  # fmt: skip
    return frame, spec


def test_text_is_escaped_everywhere() -> None:
    page = profile_page(profile(*nasty()))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 5
    assert not re.search(r'(?:src|href)="(?!#c\d+")', page)


def test_every_picture_is_well_formed_and_has_no_missing_numbers() -> None:
    pictures = re.findall(r"<svg.*?</svg>", profile_page(profile(*nasty())), re.DOTALL)
    assert len(pictures) > 8
    for picture in pictures:
        ET.fromstring(picture)  # noqa: S314 - our own text
        assert not re.search(r'="[^"]*\b(?:nan|inf)\b', picture)


def test_what_a_person_looks_for_is_there() -> None:
    page = profile_page(profile(*nasty()))
    for said in (
        "60 rows, 4 columns",
        "20 values missing (33 %)",
        "mean y",
        "2024-01-01",
        "Spearman",
        "of values missing",
    ):
        assert said in page, said


def test_many_columns_are_folded_away_and_the_page_stays_small() -> None:
    random = np.random.default_rng(0)
    frame = pl.LazyFrame({f"column {n}": random.normal(size=200) for n in range(100)})
    page = profile_page(profile(frame))
    assert page.count("<details") == 100
    assert len(page) < 1_500_000
    assert "60 more columns are left out" in page


def test_tables_of_nothing_have_a_page() -> None:
    page = profile_page(profile(pl.LazyFrame({"a": [], "b": []}, schema={"a": pl.Float64, "b": pl.String})))
    assert "0 rows, 2 columns" in page
    assert "no values at all" in page
