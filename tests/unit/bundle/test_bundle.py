"""A bundle is what was written, byte for byte, or it is refused (faults 1 and 6)"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.unit.bundle.making import Made, make, raw

from torneo.bundle.load import load
from torneo.bundle.write import bundle_digest
from torneo.errors import BundleError
from torneo.spec.records import digest_of


def test_raw_rows_score_as_in_training(made: Made) -> None:
    """Fault 1: an API that sent raw values to a model of scaled ones had an RMSE of 1503 instead of 95."""
    served = load(made.folder, made.digest).score(raw(made.frame))
    trained = made.pipeline.predict(made.X)
    np.testing.assert_allclose(served, trained, rtol=1e-5)
    assert float(np.sqrt(np.mean((served - made.y) ** 2))) < 2
    assert len(np.unique(served)) > 100


def test_preparation_cannot_come_from_another_version(tmp_path: Path) -> None:
    """Fault 6: scaler and model of different versions. They are one file here, and files of two bundles do not mix."""
    one, other = make(tmp_path / "one"), make(tmp_path / "other", hook=False)
    assert sorted(path.name for path in one.folder.iterdir()) == [
        "bundle.json",
        "digests.json",
        "features.py",
        "model.onnx",
    ]
    shutil.copyfile(other.folder / "model.onnx", one.folder / "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx was altered"):
        load(one.folder)


def test_classes_in_order(tmp_path: Path) -> None:
    made = make(tmp_path / "bundle", "classification", hook=False)
    scorer = load(made.folder, made.digest)
    assert scorer.columns == ("size", "kind")
    probabilities = scorer.score({"size": [9000.0, 1000.0], "kind": ["x", 1]})
    assert probabilities.shape == (2, 2)
    assert probabilities[0, 1] > 0.9
    assert probabilities[1, 0] > 0.9
    table = scorer.predict(pd.DataFrame({"size": [9000.0, 1000.0], "kind": ["x", 1]}, index=[7, 8]))
    assert table["prediction"].to_dict() == {7: "high", 8: "low"}
    assert list(table.columns) == ["prediction", "probability_low", "probability_high"]
    assert scorer.predict(pl.DataFrame({"size": [9000.0], "kind": ["x"]}))["prediction"].to_list() == ["high"]


def test_equal_content_equal_bytes(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    assert one.digest == other.digest
    digests = {path.name: path.read_bytes() for path in one.folder.iterdir()}
    assert digests == {path.name: path.read_bytes() for path in other.folder.iterdir()}
    assert not any(str(tmp_path).encode() in content for content in digests.values())


def test_digest_covers_all_files(made: Made) -> None:
    import json

    assert made.digest == bundle_digest(made.folder)
    assert made.digest == digest_of(json.loads((made.folder / "digests.json").read_text()))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["bundle.json", "features.py", "model.onnx"])
def test_refuses_a_flipped_bit(made: Made, name: str) -> None:
    flip(made.folder / name)
    with pytest.raises(BundleError, match=f"{name} was altered"):
        load(made.folder, made.digest)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda folder: (folder / "model.onnx").unlink(), "model.onnx is missing"),
        (lambda folder: (folder / "digests.json").unlink(), "digests.json is missing"),
        (lambda folder: (folder / "digests.json").write_text("{"), "digests.json is not JSON"),
        (lambda folder: (folder / "digests.json").write_text('{"model.pkl":"0"}'), "digests.json must name"),
        (lambda folder: (folder / "model.pkl").write_bytes(b"\x80\x04."), "model.pkl does not belong"),
        (lambda folder: (folder / "sub").mkdir(), "sub does not belong"),
        (
            lambda folder: (
                (folder / "model.onnx").rename(folder.parent / "m")
                and (folder / "model.onnx").symlink_to(folder.parent / "m")
            ),
            "model.onnx is not a plain file",
        ),
        (shutil.rmtree, "digests.json is missing"),
    ],
)
def test_refuses_a_changed_folder(made: Made, damage: Callable[[Path], Any], match: str) -> None:
    damage(made.folder)
    with pytest.raises(BundleError, match=match):
        load(made.folder, made.digest)


def test_refuses_another_bundle(made: Made) -> None:
    with pytest.raises(BundleError, match=r"but 0000 was registered"):
        load(made.folder, "0000")
