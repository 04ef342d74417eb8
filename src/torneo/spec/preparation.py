"""How columns become the numbers that a model reads."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from torneo.spec.frozen import Frozen, refuse


class NumericStep(Frozen):
    """One step of the preparation of numeric columns; exactly one key."""

    impute: Literal["mean", "median", "most_frequent"] | None = None
    """What takes the place of an empty value."""
    scale: Literal["standard", "minmax", "robust"] | None = None
    """How values are brought to a common range."""

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.impute is None) == (self.scale is None):
            raise ValueError("a step has exactly one of: impute, scale")
        return self


class CategoricalStep(Frozen):
    """One step of the preparation of categorical columns; exactly one key."""

    impute: Literal["most_frequent", "missing"] | None = None
    """What takes the place of an empty value; `missing` makes it a category of its own."""
    encode: Literal["onehot", "ordinal", "target"] | None = None
    """How categories become numbers."""

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.impute is None) == (self.encode is None):
            raise ValueError("a step has exactly one of: impute, encode")
        return self


class Trim(Frozen):
    """Outliers left out of the training rows; test rows and served rows are never trimmed."""

    columns: tuple[str, ...] = Field(min_length=1)
    """The numeric columns that are looked at; the target may be one."""
    by: Literal["iqr", "quantile"] = "iqr"
    """`iqr`: further than `factor` interquartile ranges from the quartiles; `quantile`: the outer `factor`."""
    factor: float = Field(default=1.5, gt=0)
    """How far is too far, as `by` reads it."""

    @model_validator(mode="after")
    def _quantile_is_a_share(self) -> Self:
        if self.by == "quantile" and self.factor >= 0.5:
            message = f"with by: quantile it is the share cut off at each end, below 0.5, not {self.factor}"
            refuse([(("factor",), message)])
        return self


class Prepare(Frozen):
    """How columns become the numbers that a model reads; everything is fitted on training rows only."""

    numeric: tuple[NumericStep, ...] = (NumericStep(impute="median"), NumericStep(scale="standard"))
    """Families of trees leave `scale` out: it cannot help them, and it costs exactness in the bundle."""
    categorical: tuple[CategoricalStep, ...] = (
        CategoricalStep(impute="most_frequent"),
        CategoricalStep(encode="onehot"),
    )
    """What is done to categorical columns, in this order."""
    trim: Trim | None = None
    """Which rows are left out of training as outliers; none if it is not given."""
