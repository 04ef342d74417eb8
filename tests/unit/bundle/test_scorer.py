"""The scorer alone: without scikit-learn and Torneo, and with odd input"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.unit.bundle.making import Made, make

import torneo.bundle.scorer as scorer_module
from torneo.bundle.load import load
from torneo.spec.columns import canonical_text

LOADER = """
import pickle, sys

def refuse(*arguments, **named):
    raise AssertionError("something was unpickled")

pickle.load = pickle.loads = pickle.Unpickler = refuse
for name in ("sklearn", "skl2onnx", "torneo", "joblib", "xgboost", "onnx"):
    sys.modules[name] = None  # importing it is an ImportError
sys.path.insert(0, sys.argv[1])
import torneo_scorer
scorer = torneo_scorer._load_pyfunc(sys.argv[2])
import pandas
print(float(scorer.predict(pandas.DataFrame({"size": [5000.0], "kind": ["x"]}))["prediction"][0]))
"""


def test_loads_without_scikit_learn_and_torneo(tmp_path: Path) -> None:
    """A copy of the one file, in a process that cannot import the libraries of training."""
    made = make(tmp_path / "bundle", hook=False)
    shutil.copyfile(scorer_module.__file__, tmp_path / "torneo_scorer.py")
    done = subprocess.run(
        [sys.executable, "-c", LOADER, str(tmp_path), str(made.folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = load(made.folder).score({"size": [5000.0], "kind": ["x"]})[0]
    assert float(done.stdout) == pytest.approx(float(expected))


@pytest.mark.parametrize("together", [1, 2, 7])
def test_an_answer_does_not_depend_on_the_rows_beside_it(made: Made, together: int) -> None:
    scorer = load(made.folder)
    columns = {name: made.frame[name].to_list() for name in scorer.columns}
    whole = scorer.score(columns)
    parts = [
        scorer.score({name: values[start : start + together] for name, values in columns.items()})
        for start in range(0, len(whole), together)
    ]
    assert np.concatenate(parts).tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"size": [1.0]}, "column 'kind' is absent"),
        ({"size": [float("inf")], "kind": ["x"]}, "column 'size': a number is infinite"),
        ({"size": [1e39], "kind": ["x"]}, "too large for 32 bits"),
        ({"size": ["many"], "kind": ["x"]}, "column 'size': could not convert"),
        ({"size": [1.0, 2.0], "kind": ["x"]}, "different lengths"),
    ],
)
def test_scorer_refuses(tmp_path: Path, columns: dict[str, list[Any]], match: str) -> None:
    made = make(tmp_path / "bundle", hook=False)
    with pytest.raises(ValueError, match=match):
        load(made.folder).score(columns)


def test_hook_needs_its_columns(made: Made) -> None:
    scorer = load(made.folder)
    assert scorer.columns == ("id", "day", "size", "kind")
    with pytest.raises(ValueError, match=r"features\.py reads a column that is absent.*'day'"):
        scorer.score({"size": [1.0], "kind": ["x"]})


def test_missing_is_missing_however_it_is_written(tmp_path: Path) -> None:
    made = make(tmp_path / "bundle", hook=False)
    scorer = load(made.folder)
    kinds = ["x", "x", "x"]
    plain = scorer.score({"size": [None, float("nan"), np.nan], "kind": kinds})
    assert len(np.unique(plain)) == 1
    nullable = pd.DataFrame({"size": pd.array([None, 2.0, None], dtype="Float64"), "kind": kinds})
    assert scorer.predict(nullable)["prediction"].iloc[0] == plain[0]
    assert scorer.predict(pl.DataFrame({"size": [None, 2.0], "kind": ["x", None]}))["prediction"][0] == plain[0]
    assert scorer.score({"size": [], "kind": []}).shape == (0,)


@pytest.mark.parametrize("value", [True, False, 0, 7, -3, 1.0, 1.5, 1e20, "05", "5.0", "ä"])
def test_text_form_is_the_contracts(value: bool | int | float | str) -> None:
    assert scorer_module.canonical_text(value) == canonical_text(value)


def test_numpy_scalars_have_the_same_text() -> None:
    values = [np.int64(5), np.float32(2.0), np.bool_(True), np.str_("a"), np.float64("nan"), pd.NA, pd.NaT]
    assert [scorer_module.canonical_text(value) for value in values] == ["5", "2", "true", "a", "", "", ""]


def test_numbers_whose_sum_is_too_large_are_numbers_all_the_same() -> None:
    block = scorer_module._block([[3e38, 3e38], [1.0, float("nan")]])
    assert block is not None
    assert block[0].tolist() == [np.float32(3e38)] * 2
    assert scorer_module._block([[1e39]]) is None
