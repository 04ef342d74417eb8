"""Contributions of inputs: exact where the truth is known, and summed over an input's encoded columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from torneo import plugins
from torneo.learn.importance import importance, input_of_columns, sampled, shap_matrix
from torneo.learn.preparation import fit, pipeline
from torneo.spec.preparation import Prepare
from torneo.spec.records import Feature

FEATURES = [
    Feature(name="strong", kind="numeric"),
    Feature(name="kind", kind="categorical"),
    Feature(name="noise", kind="numeric"),
    Feature(name="listed", kind="categorical", categories=("u", "v")),
]


def inputs(rows: int = 240) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "strong": random.normal(size=rows).astype(np.float32),
            "kind": pd.Series(random.choice(["a", "b", "c"], rows), dtype=object),
            "noise": random.normal(size=rows).astype(np.float32),
            "listed": pd.Series(random.choice(["u", "v"], rows), dtype=object),
        }
    )
    return X, (4 * X["strong"] + 2 * (X["kind"] == "a")).to_numpy(dtype=np.float64)


def learned(name: str, classes: int, **prepare: Any) -> tuple[Any, Any, pd.DataFrame, np.ndarray]:
    family = plugins.load("models", name)
    X, y = inputs()
    outcome = y if classes == 0 else np.digitize(y, np.quantile(y, [k / classes for k in range(1, classes)]))
    task: Any = "classification" if classes else "regression"
    made = pipeline(
        Prepare.model_validate(prepare), FEATURES, family, task=task, classes=classes, params={}, seed=0, jobs=1
    )
    return family, fit(made, X, outcome, jobs=1), X, outcome


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", plugins.names("models"))
def test_finds_what_matters(name: str, classes: int) -> None:
    family = plugins.load("models", name)
    if ("classification" if classes else "regression") not in family.TASKS:
        pytest.skip(f"{name} does not learn it")
    _, made, X, _ = learned(name, classes)
    values = shap_matrix(made, X.iloc[:60], family)
    assert values.shape == (60, 4)
    assert int(np.abs(values).mean(axis=0).argmax()) == 0
    if classes < 3:
        assert np.corrcoef(values[:, 0], X["strong"].iloc[:60])[0, 1] > 0.7
    else:
        assert (values >= 0).all()


def test_encoded_columns_belong_to_their_input() -> None:
    _, made, _, _ = learned("linear", 0)
    assert input_of_columns(made).tolist() == [0, 2, 3, 3, 1, 1, 1]
    for encode, owners in (("onehot", [0, 2, 3, 3, 1, 1, 1]), ("ordinal", [0, 2, 3, 1]), ("target", [0, 2, 1, 3])):
        _, made, _, _ = learned("linear", 0, categorical=[{"encode": encode}])
        assert input_of_columns(made).tolist() == owners


def test_linear_contributions_are_the_known_ones() -> None:
    family, made, X, _ = learned("linear", 0)
    values = shap_matrix(made, X, family)
    truth = 4 * (X["strong"] - X["strong"].mean())
    np.testing.assert_allclose(values[:, 0], truth, atol=0.1)
    np.testing.assert_allclose(values.sum(axis=1) + made.predict(X).mean(), made.predict(X), atol=1e-4)


def test_sampled_values_are_the_exact_ones() -> None:
    family, made, X, _ = learned("linear", 0)
    exact = shap_matrix(made, X.iloc[:50], family)
    guessed = shap_matrix(made, X.iloc[:50])
    assert np.corrcoef(exact[:, 0], guessed[:, 0])[0, 1] > 0.9
    np.testing.assert_array_equal(shap_matrix(made, X.iloc[:50]), guessed)


def test_sampled_values_add_up() -> None:
    """Each row's values are its answer minus the mean answer of the rows it was walked to from."""
    rows = np.array([[1.0, 3.0], [2.0, 5.0]])
    background = np.array([[0.0, 1.0]])

    def product(Z: Any) -> Any:
        return (Z[:, 0] * Z[:, 1]).reshape(-1, 1)

    values = sampled(product, rows, background, np.arange(2), 2, seed=0)
    np.testing.assert_allclose(values.sum(axis=1), [3.0, 10.0])
    np.testing.assert_allclose(values[0], [2.0, 1.0])  # the mean over both orders, by hand


@pytest.mark.parametrize(("name", "classes"), [("linear", 0), ("gaussian_nb", 2), ("linear", 3)])
def test_permutation_importance(name: str, classes: int) -> None:
    _, made, X, outcome = learned(name, classes)
    found = importance(made, X, outcome, task="classification" if classes else "regression", seed=0)
    assert list(found) == list(X.columns)
    assert max(found, key=lambda feature: found[feature]) == "strong"
    assert found["strong"] > 5 * abs(found["noise"])
    assert found == importance(made, X, outcome, task="classification" if classes else "regression", seed=0)
