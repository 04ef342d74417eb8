"""What counts as drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from torneo.spec.frozen import Frozen, OpenShare

TestName = Literal[
    "psi", "ks", "wasserstein", "chi_square", "jensen_shannon", "missing", "out_of_range", "unseen_category"
]
"""Tests of drift."""
DistributionTest = Literal["auto", "psi", "ks", "wasserstein", "chi_square", "jensen_shannon"]
Threshold = Annotated[float, Field(gt=0)]


class Drift(Frozen):
    """When a column has drifted: its effect is beyond the threshold, and chance is ruled out at the level."""

    test: DistributionTest = "auto"
    """How distributions are compared; `auto` takes the one that suits the column, as does a test that cannot."""
    thresholds: Mapping[TestName, Threshold] = {}
    """Effects, by test, from which on a difference matters; each test has its own where none is given."""
    level: OpenShare = 0.01
    """How often a window without drift may be called drifted, over all columns and tests together."""
    ignore: tuple[str, ...] = ()
    """Columns that are not looked at, such as those that follow the calendar; also what features.py makes."""
    min_rows: Annotated[int, Field(ge=20)] = 50
    """With fewer rows than this, in the window or in the baseline, nothing is said."""
