"""Gaussian naive Bayes: each input has a normal distribution within a class, independent of the others.

Reference: Chan, Golub and LeVeque (1979), Updating Formulae and a Pairwise Algorithm for Computing Sample Variances.

>>> import numpy as np
>>> X, y = np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1])
>>> build("classification", {}, seed=0, jobs=1).fit(X, y).predict([[2.0], [8.0]]).tolist()
[0, 1]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.models._parameters import parameters_of
from torneo.spec.project import Scalar, Task
from torneo.spec.space import Float, Space

TASKS: tuple[Task, ...] = ("classification",)
SCALES = True
HANDLES_MISSING = False


def build(task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:  # noqa: ARG001 - nothing is random
    """Gaussian naive Bayes.

    Variances get a thousandth of the largest one added. The usual 1e-9 makes an indicator that is constant within a
    class decide alone, with likelihoods that no 32-bit float can tell apart.
    """
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(**{"var_smoothing": 1e-3, **params})


def parameters(task: Task) -> frozenset[str]:
    """The estimator's own parameters; `priors` is a list, which a project cannot give."""
    return parameters_of(build(task, {}, seed=0, jobs=1)) - {"priors"}


def space(task: Task, rows: int, columns: int) -> Space:  # noqa: ARG001 - the same for all data
    """How much the variances are smoothed."""
    return {"var_smoothing": Float(1e-5, 1.0, log=True)}


def refuse(params: Mapping[str, Scalar]) -> str | None:  # noqa: ARG001 - nothing is refused
    """Every model can be exported."""
    return None


def contributions(estimator: Any, Z: Any) -> Any:  # noqa: ARG001 - there is no quick way
    """None: sampled instead."""
    return None
