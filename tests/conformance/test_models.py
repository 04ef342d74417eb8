"""Every family passes the suite by existing; and every check of the suite finds what it looks for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from torneo import plugins
from torneo.errors import ExportError
from torneo.models import linear, random_forest
from torneo.spec.records import LINE, Feature
from torneo.spec.space import Float
from torneo.testing import conformance_models as suite

FAMILIES = plugins.names("models")
Check = Callable[[Any], None]


@pytest.mark.parametrize("check", suite.FAMILY_SUITE, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", FAMILIES)
def test_family(name: str, check: Check) -> None:
    check(plugins.load("models", name))


def bundled(name: str) -> suite.Sample:
    """A real data set that comes with scikit-learn, its rows shuffled."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    order = np.random.default_rng(0).permutation(len(data.target))
    names = [f"x{place}" for place in range(data.data.shape[1])]
    frame = pl.DataFrame({LINE: order + 2, **{x: data.data[order, place] for place, x in enumerate(names)}})
    classes = 0 if name == "diabetes" else len(data.target_names)
    return suite.Sample(
        frame=frame,
        y=data.target[order] if classes else data.target[order].astype(float),
        features=tuple(Feature(name=x, kind="numeric") for x in names),
        task="classification" if classes else "regression",
        classes=classes,
        nullable=frozenset(names[:2]),
    )


@pytest.mark.parametrize("data", ["diabetes", "breast_cancer", "wine"])
@pytest.mark.parametrize("name", FAMILIES)
def test_parity_on_bundled_data(name: str, data: str) -> None:
    family, sample = plugins.load("models", name), bundled(data)
    if sample.task not in family.TASKS:
        pytest.skip(f"{name} does not learn {sample.task}")
    parity = suite.parity_of(suite.fitted(family, sample, suite.prepare_of(family)), sample)
    assert parity.rows > sample.half
    assert parity.worst < 1e-5


def altered(family: Any, **changes: Any) -> SimpleNamespace:
    """A family that differs in some members."""
    return SimpleNamespace(**{**vars(family), **changes})


def unseeded(task: str, params: Any, *, seed: int, jobs: int) -> Any:
    return random_forest.build(task, {"n_estimators": 5, **params}, seed=int(np.random.default_rng().integers(2**31)), jobs=jobs)  # fmt: skip  # noqa: E501


def constant(task: str, params: Any, *, seed: int, jobs: int) -> Any:
    return linear.build(task, {"alpha" if task == "regression" else "C": 1e9 if task == "regression" else 1e-9}, seed=seed, jobs=jobs)  # fmt: skip  # noqa: E501


def unexportable(task: str, params: Any, *, seed: int, jobs: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    class Own(LogisticRegression):
        pass

    return Own()


@pytest.mark.parametrize(
    ("check", "family", "error", "match"),
    [
        (suite.learns, altered(linear, build=constant), AssertionError, "of a constant's"),
        (
            suite.answers_alike_in_a_bundle,
            altered(linear, TASKS=("classification",), build=unexportable),
            ExportError,
            "Own cannot become an ONNX graph",
        ),
        (suite.repeats_itself, altered(random_forest, build=unseeded), AssertionError, "equal bytes"),
        (
            suite.searches_what_it_has,
            altered(linear, space=lambda task, rows, columns: {"alhpa": Float(0, 1)}),
            AssertionError,
            "alhpa",
        ),
        (suite.refuses_nothing_by_default, altered(linear, refuse=lambda params: "no"), AssertionError, "got no"),
        (
            suite.contributions_add_up,
            altered(linear, contributions=lambda estimator, Z: linear.contributions(estimator, Z) * 1.1),
            AssertionError,
            "add up",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_suite_finds_a_broken_family(check: Check, family: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        check(family)
