"""What a project says: the typed form of project.yaml."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from torneo.spec.columns import AMOUNTS, NUMERIC, TEMPORAL, Contract, canonical_text
from torneo.spec.frozen import Frozen, OpenShare, Place, nearest, refuse, shortened
from torneo.spec.preparation import CategoricalStep as CategoricalStep
from torneo.spec.preparation import NumericStep as NumericStep
from torneo.spec.preparation import Prepare as Prepare
from torneo.spec.preparation import Trim as Trim
from torneo.spec.rate import RateText
from torneo.spec.source import Source
from torneo.spec.watchdog import Watch

Scalar = bool | int | float | str | None
Task = Literal["regression", "classification"]
ONLY_DECLARED = "only declared"
"""The context of a validation that knows of no features.py, which could make further columns."""


class Split(Frozen):
    """Which rows train and which judge."""

    test: OpenShare = 0.2
    """The share of rows kept for the judge."""
    stratify: str | None = None
    """Keep this column's shares alike on both sides."""
    by_time: str | None = None
    """The latest rows by this date are the judge's."""
    group: str | None = None
    """Rows that share this column's value stay on one side."""
    seed: int = Field(default=42, ge=0)
    """Another seed gives another split; the same one always the same."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.by_time is not None and (self.stratify is not None or self.group is not None):
            raise ValueError("by_time excludes stratify and group")
        if self.stratify is not None and self.group is not None:
            raise ValueError("stratify excludes group")
        return self


class Select(Frozen):
    """Keep the most important features, chosen inside each fold."""

    by: Literal["shap", "importance"]
    """`shap`: mean absolute SHAP value; `importance`: permutation importance."""
    keep: int = Field(ge=1)
    """How many features are kept."""


class Search(Frozen):
    """How hyper-parameters are looked for."""

    sampler: Literal["grid", "random", "tpe"]
    """`grid`: all combinations of `space`; `random`: draws; `tpe`: draws guided by the scores so far."""
    trials: int = Field(default=50, ge=1)
    """How many candidates are tried (a grid may have fewer)."""
    folds: int = Field(default=5, ge=2)
    """How many parts of the training rows take turns at scoring a candidate."""
    seconds: float | None = Field(default=None, gt=0)
    """Stop after this time; the result then depends on the machine's speed, and the record says so."""
    space: Mapping[str, Annotated[tuple[Scalar, ...], Field(min_length=1)]] | None = None
    """Values to choose from, instead of the family's own space."""

    @model_validator(mode="after")
    def _grid_has_a_space(self) -> Self:
        if self.sampler == "grid" and self.space is None:
            raise ValueError("sampler: grid needs `space`, the values to try for each parameter")
        size = math.prod(len(values) for values in (self.space or {}).values())
        if self.sampler == "grid" and size > self.trials:
            refuse([(("trials",), f"the grid has {size} combinations, and only {self.trials} may be tried: raise it")])
        return self


class Challenger(Frozen):
    """One recipe for a model."""

    model: str
    """A family: a file of `torneo.models`, an installed plug-in, or a function in the project's models.py."""
    params: Mapping[str, Scalar] = Field(default_factory=dict)
    """Parameters that are given to the family as they are."""
    select: Select | None = None
    """Which features it keeps; all if it is not given."""
    search: Search | None = None
    """How its parameters are found; they are fixed if it is not given."""


_GUARDRAIL = re.compile(r"^\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$")


class Guardrail(Frozen):
    """An absolute bar, such as `> 0.7`.

    >>> Guardrail.parse("<= 5").holds(5.0)
    True
    """

    sign: Literal["<", "<=", ">", ">="]
    bar: float

    @classmethod
    def parse(cls, text: object) -> object:
        """Read `> 0.7`."""
        if not isinstance(text, str):
            return text
        match = _GUARDRAIL.match(text)
        if match is None:
            raise ValueError(f"expected a bar such as '> 0.7' or '<= 5', not {text!r}")
        return cls.model_validate({"sign": match[1], "bar": float(match[2])})

    def holds(self, value: float) -> bool:
        """Whether the value is on the right side of the bar."""
        return {
            "<": value < self.bar,
            "<=": value <= self.bar,
            ">": value > self.bar,
            ">=": value >= self.bar,
        }[self.sign]

    def __str__(self) -> str:
        return f"{self.sign} {self.bar:g}"


class Judge(Frozen):
    """How champion and challengers are compared."""

    metric: str | None = None
    """The metric that decides; without it rmse for regression, auc for two classes, accuracy for more."""
    confidence: OpenShare = 0.95
    """How sure the judge must be that a challenger is better; all challengers together."""
    min_gain: float = Field(default=0.0, ge=0)
    """How much better it must be, in units of the metric."""
    guardrails: Mapping[str, Annotated[Guardrail, BeforeValidator(Guardrail.parse)]] = Field(default_factory=dict)
    """Bars by metric (or `latency_ms`, one row on one core); a challenger that misses one is vetoed."""
    slices: tuple[str, ...] = ()
    """Categorical columns: a challenger that is significantly worse for one of their values is vetoed."""
    protocol: Literal["auto", "holdout", "nested_cv"] = "auto"
    """`holdout`: the judge's rows; `nested_cv`: repeated nested cross-validation, for few rows; `auto`: by size."""
    repeats: int = Field(default=3, ge=1)
    """How often nested cross-validation is repeated with other folds."""


class Serve(Frozen):
    """How predictions are served."""

    interval: OpenShare = 0.9
    """The share of outcomes that a prediction interval should contain."""
    out_of_range: Literal["refuse", "warn"] = "refuse"
    """A value that breaks a bound, a list or a pattern: refuse the request, or answer with a warning."""
    rate_limit: RateText | None = None
    """How many rows a client may ask for, such as `100/minute`; without it as many as it likes."""


Challengers = Literal["auto"] | Mapping[str, Challenger]


class Project(Frozen):
    """One project: its data, its contract, its challengers and its judge."""

    project: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    """The name: lower-case letters, digits, - and _."""
    task: Task
    """What is predicted: a number, or a class."""
    target: str
    """The column to predict."""
    positive: Scalar = None
    """The class that probabilities, auc and f1 are about, of two; without it the last of the target's values."""
    source: Source
    contract: Contract
    prepare: Prepare = Prepare()
    split: Split = Split()
    challengers: Challengers = "auto"
    """The recipes by name, or `auto` for a good set within a minute."""
    judge: Judge = Judge()
    serve: Serve = Serve()
    watch: Watch = Watch()

    @field_validator("challengers")
    @classmethod
    def _has_challengers(cls, challengers: Challengers) -> Challengers:
        if not isinstance(challengers, str):
            if not challengers:
                raise ValueError("there must be at least one challenger, or `auto`")
            for name in challengers:
                if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
                    raise ValueError(f"{name!r}: a name has lower-case letters, digits, - and _")
        return challengers

    @model_validator(mode="after")
    def _fits_the_contract(self, info: ValidationInfo) -> Self:
        mistakes = itertools.chain(self._misnamed(), self._target_mistakes(), self._only_for_loads())
        refuse(itertools.chain(mistakes, self._ignored_in_vain() if info.context == ONLY_DECLARED else ()))
        return self

    def _ignored_in_vain(self) -> Iterator[tuple[Place, str]]:
        """Columns that nothing makes; `__answers__` are the predictions."""
        columns = self.contract.columns
        for place, name in enumerate(self.watch.drift.ignore if self.watch.drift else ()):
            if name not in columns and not name.startswith("__"):
                message = f"there is no column {shortened(name)} in contract.columns{nearest(name, columns)}"
                yield ("watch", "drift", "ignore", place), message

    def _only_for_loads(self) -> Iterator[tuple[Place, str]]:
        """What a contract may say for loads only: models read floats, and features are made by features.py."""
        events = self.source.events
        contracts: list[tuple[Place, Contract]] = [(("contract",), self.contract)]
        contracts += [(("source", "events", "contract"), events.contract)] if events is not None else []
        for place, contract in contracts:
            for name, column in contract.columns.items():
                if column.type == "decimal":
                    yield (*place, "columns", name, "type"), "decimal is for projects with `load:`; here it is float"
                if column.compute is not None:
                    message = "computed columns are for projects with `load:`; here features.py makes them"
                    yield (*place, "columns", name, "compute"), message

    def _misnamed(self) -> Iterator[tuple[Place, str]]:
        """Columns that are named and not there, or not of a type that will do."""
        columns, split, trim = self.contract.columns, self.split, self.prepare.trim
        named: list[tuple[Place, str | None, frozenset[str] | None]] = [
            (("target",), self.target, None),
            (("split", "stratify"), split.stratify, frozenset({"category", "bool", "int", "text"})),
            (("split", "by_time"), split.by_time, TEMPORAL),
            (("split", "group"), split.group, None),
            *((("judge", "slices", place), name, None) for place, name in enumerate(self.judge.slices)),
            *((("prepare", "trim", "columns", i), n, AMOUNTS) for i, n in enumerate(trim.columns if trim else ())),
        ]
        for place, name, types in named:
            if name is not None and name not in columns:
                yield place, f"there is no column {name!r} in contract.columns{nearest(name, columns)}"
            elif name is not None and types is not None and columns[name].type not in types:
                yield place, f"{name} must have type {' or '.join(sorted(types))}, not {columns[name].type}"
            elif name is not None and name == split.by_time and columns[name].nullable:
                yield place, f"{name} must not be nullable: a row without a time belongs to no side"

    def _target_mistakes(self) -> Iterator[tuple[Place, str]]:
        column = self.contract.columns.get(self.target)
        if column is None:
            return
        if column.nullable:
            yield ("target",), f"{self.target} must not be nullable"
        types = AMOUNTS if self.task == "regression" else frozenset({"category", "bool"})
        if column.type not in types:
            kinds = "float or int" if self.task == "regression" else "category"
            yield ("target",), f"{self.target} must have type {kinds} for {self.task}, not {column.type}"
        elif column.type == "category" and len(column.values or ()) < 2:
            yield ("target",), f"{self.target} must list at least two values"
        elif self.positive is not None:
            classes = self.classes
            if len(classes) != 2 or canonical_text(self.positive) not in classes:
                yield ("positive",), f"must be one of two classes (there are: {', '.join(classes) or 'none'})"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes as text, the positive one of two last; empty for regression."""
        if self.task == "regression":
            return ()
        column = self.contract.columns[self.target]
        classes = ("false", "true") if column.type == "bool" else column.categories or ()
        if self.positive is None or len(classes) != 2:
            return classes
        positive = canonical_text(self.positive)
        return tuple(sorted(classes, key=positive.__eq__))

    @property
    def metric(self) -> str:
        """The metric that decides."""
        if self.judge.metric is not None:
            return self.judge.metric
        return "rmse" if self.task == "regression" else "auc" if len(self.classes) == 2 else "accuracy"

    @property
    def features(self) -> tuple[str, ...]:
        """The contract's columns that a model reads directly, in the contract's order."""
        taken = {self.target, *self.contract.key, self.split.group}
        return tuple(
            name
            for name, column in self.contract.columns.items()
            if name not in taken and column.feature and (column.type in NUMERIC or column.type == "category")
        )
