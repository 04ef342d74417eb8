from __future__ import annotations

import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from torneo.reports.plots import write_plots
from torneo.spec.records import Trial

RANDOM = np.random.default_rng(0)
ROWS = 300


def size_of(picture: Path) -> tuple[int, int]:
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def regression(folder: Path, **changes: object) -> list[Path]:
    actual = np.linspace(0, 50, ROWS)
    given = {
        "task": "regression",
        "classes": (),
        "actual": actual,
        "predicted": actual + np.sin(actual),
        "importance": {"rooms": 0.7, "age": 0.2, "noise": -0.01},
        "shap": (np.outer(np.sin(actual), [3.0, 1.0, 0.0]), np.outer(actual, [1.0, np.nan, 0.0])),
        "trials": [Trial(params={}, scores=(5.0 - 0.1 * n, 5.2), pruned=n % 4 == 3) for n in range(12)],
        "unit": "1000 USD",
    }
    return write_plots(folder, **{**given, **changes})


def classification(folder: Path, classes: tuple[str, ...], actual: np.ndarray, predicted: np.ndarray) -> list[Path]:
    return write_plots(
        folder, task="classification", classes=classes, actual=actual, predicted=predicted, importance={}, shap=None,
        trials=[], unit="",
    )  # fmt: skip


def names(paths: list[Path]) -> set[str]:
    return {path.stem for path in paths}


def test_regression_has_all_its_pictures(tmp_path: Path) -> None:
    paths = regression(tmp_path / "new" / "folder")
    assert names(paths) == {
        "importance", "shap", "search", "predicted_vs_actual", "residuals", "residual_histogram",
    }  # fmt: skip
    for path in paths:
        width, height = size_of(path)
        assert 500 < width < 1200
        assert 200 < height < 1200


def test_two_and_more_classes_have_curves(tmp_path: Path) -> None:
    for count in (2, 3, 25):
        actual = np.arange(ROWS) % count
        predicted = RANDOM.dirichlet(np.ones(count), ROWS)
        found = classification(tmp_path / str(count), tuple(f"class {c}" for c in range(count)), actual, predicted)
        assert names(found) == {"roc", "precision_recall", "calibration", "confusion"}
        assert all(max(size_of(path)) < 2000 for path in found)


def test_one_class_alone_has_a_confusion_matrix_only(tmp_path: Path) -> None:
    found = classification(tmp_path, ("no", "yes"), np.zeros(20, dtype=int), np.tile([0.8, 0.2], (20, 1)))
    assert names(found) == {"confusion"}


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    first, second = regression(tmp_path / "a"), regression(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_other_input_gives_other_bytes(tmp_path: Path) -> None:
    first = regression(tmp_path / "a")
    second = regression(tmp_path / "b", unit="EUR", importance={"rooms": 0.1, "age": 0.2, "noise": 0.3})
    changed = {a.stem for a, b in zip(first, second, strict=True) if a.read_bytes() != b.read_bytes()}
    assert changed == {"importance", "predicted_vs_actual", "residuals", "residual_histogram"}


def test_settings_of_the_user_do_not_change_a_picture_and_stay(tmp_path: Path) -> None:
    import matplotlib as mpl

    plain = regression(tmp_path / "a")[0].read_bytes()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert regression(tmp_path / "b")[0].read_bytes() == plain
        assert mpl.rcParams["font.size"] == 30


def test_threads_draw_what_one_draws(tmp_path: Path) -> None:
    expected = [path.read_bytes() for path in regression(tmp_path / "alone")]
    found: dict[int, list[bytes]] = {}

    def draw(number: int) -> None:
        found[number] = [path.read_bytes() for path in regression(tmp_path / str(number))]

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [expected] * 3


def test_rows_without_a_prediction_are_left_out(tmp_path: Path) -> None:
    actual = np.arange(40.0)
    predicted = actual + 1
    whole = regression(tmp_path / "a", actual=actual, predicted=predicted)
    holes = regression(
        tmp_path / "b", actual=np.append(actual, [1.0, np.nan]), predicted=np.append(predicted, [np.inf, 1.0])
    )
    assert [path.read_bytes() for path in whole] == [path.read_bytes() for path in holes]


@pytest.mark.parametrize(
    ("actual", "predicted"),
    [
        (np.array([1.0]), np.array([2.0])),
        (np.full(50, 3.0), np.full(50, 3.0)),
        (np.full(50, 3.0), np.linspace(-1e12, 1e12, 50)),
    ],
)
def test_degenerate_rows_are_drawn(tmp_path: Path, actual: np.ndarray, predicted: np.ndarray) -> None:
    assert len(regression(tmp_path, actual=actual, predicted=predicted)) == 6


def test_no_rows_leave_what_is_about_the_model(tmp_path: Path) -> None:
    found = regression(tmp_path, actual=np.array([]), predicted=np.array([]))
    assert names(found) == {"importance", "shap", "search"}


def test_text_of_the_user_is_not_read_as_a_formula(tmp_path: Path) -> None:
    found = regression(tmp_path, importance={"$price_$": 1.0, "$\\frac{1$": 0.5, "x" * 300: 0.1}, unit="$ per m$^2")
    assert len(found) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicted": np.zeros((ROWS, 2))}, r"predicted must have the shape \(300,\) .*not \(300, 2\)"),
        ({"shap": (np.zeros((5, 2)), np.zeros((5, 2)))}, r"both have the shape \(rows, 3\), not \(5, 2\)"),
    ],
)
def test_wrong_shapes_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regression(tmp_path, **changes)
    assert not list(tmp_path.iterdir())


def test_many_rows_are_sampled(tmp_path: Path) -> None:
    actual = RANDOM.normal(size=1_000_000)
    found = regression(tmp_path, actual=actual, predicted=actual + 1, shap=None)
    assert all(path.stat().st_size < 300_000 for path in found)
