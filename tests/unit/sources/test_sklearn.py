"""The sets that scikit-learn brings with it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from torneo.errors import SourceError
from torneo.sources import sklearn
from torneo.spec.source import Input

SETS = {"breast_cancer": (569, 30), "diabetes": (442, 10), "digits": (1797, 64), "iris": (150, 4), "wine": (178, 13)}


@pytest.mark.parametrize("name", sklearn.SETS)
def test_each_set_has_its_size_and_keeps_its_digest(tmp_path: Path, name: str) -> None:
    done = sklearn.extract(Input(uri=f"sklearn:{name}"), [], tmp_path / "t.parquet")
    frame = pl.read_parquet(tmp_path / "t.parquet")
    assert (done.rows, len(done.columns) - 1) == SETS[name]
    assert frame.columns == [*done.columns, "__line__"]
    assert frame["__line__"].to_list() == list(range(1, done.rows + 1))
    assert done.fingerprint == sklearn.fingerprint(Input(uri=f"sklearn:{name}"), [])


def test_classes_have_their_names_and_numbers_their_units(tmp_path: Path) -> None:
    sklearn.extract(Input(uri="sklearn:breast_cancer"), [], tmp_path / "t.parquet")
    counts = pl.read_parquet(tmp_path / "t.parquet")["target"].value_counts().sort("count").rows()
    assert counts == [("malignant", 212), ("benign", 357)]
    sklearn.extract(Input(uri="sklearn:diabetes"), [], tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet").row(0)[:3] == (59.0, 2.0, 32.1)


@pytest.mark.parametrize(
    ("name", "message"), [("linnerud", "has three targets"), ("california_housing", "brings no data set"), ("", "''")]
)
def test_other_sets_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        sklearn.extract(Input(uri=f"sklearn:{name}"), [], tmp_path / "t.parquet")


def test_the_pin_is_proven() -> None:
    with pytest.raises(SourceError, match="sha256 expected 000"):
        sklearn.fingerprint(Input(uri="sklearn:iris", sha256="0" * 64), [])
