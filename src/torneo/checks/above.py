"""`above`: the value is strictly larger than a bound."""

from __future__ import annotations

import narwhals as nw

from torneo.spec.columns import Bound, Column


def rule(value: nw.Expr, argument: Bound, column: Column) -> nw.Expr:  # noqa: ARG001
    """Whether the value is strictly larger than `argument`; null where there is no value."""
    return value > argument
