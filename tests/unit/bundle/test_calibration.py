"""Probabilities after their correction, against scikit-learn's and against what really happened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB

from torneo import metrics
from torneo.bundle.calibration import FEWEST, calibration
from torneo.bundle.scorer import calibrated


def test_it_mends_what_naive_bayes_overstates() -> None:
    X, y = make_classification(4000, n_features=20, n_redundant=12, flip_y=0.2, random_state=1)
    model = GaussianNB()
    outside = cross_val_predict(model, X[:2000], y[:2000], method="predict_proba")
    model.fit(X[:2000], y[:2000])
    raw = model.predict_proba(X[2000:])
    mended = calibrated(raw, calibration(outside, y[:2000]))
    peer = CalibratedClassifierCV(GaussianNB(), ensemble=False).fit(X[:2000], y[:2000]).predict_proba(X[2000:])
    before, after, theirs = (
        metrics.metric("log_loss")(y[2000:], np.asarray(each, float)) for each in (raw, mended, peer)
    )
    assert after < before / 1.5
    assert after < theirs * 1.1
    assert metrics.metric("auc")(y[2000:], np.asarray(mended, float)) == pytest.approx(
        metrics.metric("auc")(y[2000:], np.asarray(raw, float)), abs=2e-3
    )


def test_three_classes_get_a_temperature() -> None:
    random = np.random.default_rng(0)
    actual = random.integers(0, 3, 600)
    scores = random.normal(size=(600, 3)) + np.eye(3)[actual]
    told = np.exp(3 * scores) / np.exp(3 * scores).sum(axis=1, keepdims=True)
    learned = calibration(told, actual)
    assert learned["shift"] == [0.0, 0.0, 0.0]
    assert 0.2 < learned["slope"] < 0.6
    assert (calibrated(told, learned).argmax(axis=1) == told.argmax(axis=1)).all()


@pytest.mark.parametrize("rows", [FEWEST - 1, 200])
def test_nothing_is_learned_where_nothing_can_be(rows: int) -> None:
    told = np.tile([[0.3, 0.7]], (rows, 1))
    assert calibration(told, np.ones(rows, dtype=np.int64)) == {}


def test_a_model_that_is_wrong_on_purpose_is_left_alone() -> None:
    actual = np.arange(400) % 2
    told = np.where(actual[:, None] == [[0, 1]], 0.1, 0.9)
    assert calibration(told, actual) == {}


def test_no_rows_and_no_correction() -> None:
    told = np.empty((0, 2), dtype=np.float32)
    assert calibrated(told, {"slope": 2.0, "shift": [0.0, 1.0]}).shape == (0, 2)
    assert calibrated(np.array([[0.0, 1.0]]), {}).tolist() == [[0.0, 1.0]]


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.floats(0.01, 20),
    st.floats(-10, 10),
)
def test_probabilities_stay_probabilities_in_their_order(told: list[float], slope: float, shift: float) -> None:
    pairs = np.array([[1 - share, share] for share in sorted(told)])
    mended = calibrated(pairs, {"slope": slope, "shift": [0.0, shift]})
    assert np.isfinite(mended).all()
    assert np.allclose(mended.sum(axis=1), 1, atol=1e-5)
    assert (np.diff(mended[:, 1]) >= -1e-6).all()
