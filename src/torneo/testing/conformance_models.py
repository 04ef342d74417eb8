"""What every family of models must do.

```python
from torneo.testing.conformance_models import FAMILY_SUITE

@pytest.mark.parametrize("check", FAMILY_SUITE, ids=lambda check: check.__name__)
def test_my_family_conforms(check):
    check(my_family)
```

Not part of `torneo.testing` itself: scikit-learn loads at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.bundle.export import export
from torneo.bundle.parity import Parity, prove
from torneo.learn import preparation
from torneo.ports import Family
from torneo.spec.preparation import CategoricalStep, NumericStep, Prepare
from torneo.spec.project import Scalar, Task
from torneo.spec.records import LINE, Feature
from torneo.spec.space import Choice
from torneo.testing.expect import equal


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to learn from and rows to answer for."""

    frame: pl.DataFrame
    y: npt.NDArray[Any]
    features: tuple[Feature, ...]
    task: Task
    classes: int
    nullable: frozenset[str] = frozenset()

    @property
    def half(self) -> int:
        """The rows before this place train; the others judge."""
        return self.frame.height // 2


def made_up(task: Task, classes: int, *, rows: int = 400, seed: int = 7) -> Sample:
    """Numbers of several sizes, a boolean, listed and learned categories, with missing values and awkward names."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "small": random.normal(size=rows) / 1000,
        "Día de la semana, n.º": random.integers(1, 8, rows),
        "prediction": random.normal(2e5, 5e4, rows),
        "flag": random.random(rows) < 0.3,
        "colour": random.choice(["red", "green", "blue"], rows),
        "_region": random.choice(["north", "south", "ñandú", "x" * 40], rows),
    }
    score = columns["small"] * 1000 + (columns["colour"] == "red") * 2 + columns["flag"] + random.normal(size=rows) / 4
    nullable = frozenset({"small", "flag", "colour", "_region"})
    frame = pl.DataFrame({LINE: np.arange(2, rows + 2), **columns}).with_columns(
        pl.when(pl.Series(random.random(rows) < 0.08)).then(None).otherwise(pl.col(name)).alias(name)
        for name in sorted(nullable)
    )
    y = score * 10 + 100 if task == "regression" else np.digitize(score, np.quantile(score, _cuts(classes)))
    features = tuple(_feature(name) for name in columns)
    return Sample(frame, y, features, task, classes, nullable)


def _cuts(classes: int) -> list[float]:
    return [place / classes for place in range(1, classes)]


def _feature(name: str) -> Feature:
    if name == "colour":
        return Feature(name=name, kind="categorical", categories=("red", "green", "blue"))
    return Feature(name=name, kind="categorical" if name == "_region" else "numeric")


def samples_of(family: Family) -> list[Sample]:
    """A sample for regression, for two classes and for three, as far as the family learns them."""
    kinds: list[tuple[Task, int]] = [("regression", 0), ("classification", 2), ("classification", 3)]
    return [made_up(task, classes) for task, classes in kinds if task in family.TASKS]


def prepare_of(family: Family, encode: str = "onehot") -> Prepare:
    """Scaling and encoding, with imputing where the family needs it."""
    impute = () if family.HANDLES_MISSING else (NumericStep(impute="median"),)
    return Prepare(
        numeric=(*impute, NumericStep(scale="standard")),
        categorical=(
            CategoricalStep(impute="most_frequent"),
            CategoricalStep.model_validate({"encode": encode}),
        ),
    )


def fitted(
    family: Family, sample: Sample, prepare: Prepare, params: Mapping[str, Scalar] | None = None, *, jobs: int = 1
) -> Any:
    """The pipeline fitted on the first half of the sample's rows."""
    unfitted = preparation.pipeline(
        prepare,
        sample.features,
        family,
        task=sample.task,
        classes=sample.classes,
        params=params or {},
        seed=3,
        jobs=jobs,
        nullable=sample.nullable,
    )
    X = preparation.input_frame(sample.frame[: sample.half], sample.features)
    return preparation.fit(unfitted, X, sample.y[: sample.half], jobs=jobs)


def exported(pipeline: Any, sample: Sample) -> bytes:
    """The pipeline's graph."""
    return export(pipeline, sample.features, task=sample.task, classes=sample.classes)


def parity_of(pipeline: Any, sample: Sample) -> Parity:
    """The proof of parity on the second half of the sample's rows."""
    frame = sample.frame[sample.half :]
    X = preparation.input_frame(frame, sample.features)
    return prove(exported(pipeline, sample), pipeline, X, frame, nullable=sample.nullable)


def learns(family: Family) -> None:
    """Its answers for new rows are clearly better than a constant, by 30 % of squared error or of mistakes."""
    for sample in samples_of(family):
        pipeline = fitted(family, sample, prepare_of(family))
        answers = pipeline.predict(preparation.input_frame(sample.frame[sample.half :], sample.features))
        actual = sample.y[sample.half :]
        if sample.task == "regression":
            share = float(np.mean((answers - actual) ** 2) / np.var(actual))
        else:
            share = float(np.mean(answers != actual) / np.mean(actual != np.bincount(actual).argmax()))
        if not share < 0.7:
            raise AssertionError(f"{sample.task}, {sample.classes} classes: the error is {share:.2f} of a constant's")


def answers_alike_in_a_bundle(family: Family) -> None:
    """Its graph gives the estimator's answers, with missing values and unseen categories, however they are encoded."""
    for sample in samples_of(family):
        for encode in ("onehot", "ordinal", "target") if sample.classes < 3 else ("onehot", "ordinal"):
            parity_of(fitted(family, sample, prepare_of(family, encode)), sample)


def repeats_itself(family: Family) -> None:
    """Fitted again on the same rows, with any number of jobs, it becomes the same bytes."""
    for sample in samples_of(family):
        first, second = (exported(fitted(family, sample, prepare_of(family), jobs=jobs), sample) for jobs in (1, 2))
        equal(second == first, True, f"{sample.task}, {sample.classes} classes: equal bytes of two fits")


def searches_what_it_has(family: Family) -> None:
    """The parameters of its space exist, and models at both ends of it can be fitted and exported."""
    for sample in samples_of(family):
        space = family.space(sample.task, sample.half, len(sample.features))
        equal(sorted(set(space) - family.parameters(sample.task)), [], "parameters of the space that do not exist")
        for last in (False, True):
            ends = {
                name: (drawn.values[-last] if isinstance(drawn, Choice) else drawn.high if last else drawn.low)
                for name, drawn in space.items()
            }
            equal(family.refuse(ends), None, f"refuse({ends})")
            parity_of(fitted(family, sample, prepare_of(family), ends), sample)


def refuses_nothing_by_default(family: Family) -> None:
    """Without parameters it can be exported."""
    equal(family.refuse({}), None, "refuse({})")


def contributions_add_up(family: Family) -> None:
    """For regression, a row's contributions differ from its prediction by the same constant in all rows."""
    for sample in samples_of(family):
        pipeline = fitted(family, sample, prepare_of(family))
        X = preparation.input_frame(sample.frame[sample.half :], sample.features)
        Z = pipeline.named_steps["prepare"].transform(X)
        values = family.contributions(pipeline.named_steps["model"], Z)
        if values is None:
            continue
        shape = (len(Z), Z.shape[1]) if sample.classes < 3 else (len(Z), Z.shape[1], sample.classes)
        equal(np.shape(values), shape, f"shape of the contributions for {sample.classes} classes")
        if sample.task == "regression":
            rest = pipeline.predict(X) - values.sum(axis=1)
            equal(float(np.ptp(rest)) < 1e-3 * float(np.ptp(sample.y)), True, "contributions add up to the prediction")


FAMILY_SUITE = (
    learns,
    answers_alike_in_a_bundle,
    repeats_itself,
    searches_what_it_has,
    refuses_nothing_by_default,
    contributions_add_up,
)
"""Every check that a family must pass."""
