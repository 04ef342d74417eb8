"""The record of a version on logged traffic."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.frozen import Frozen
from torneo.spec.records import Decision


class Replayed(Frozen):
    """What came of a version on logged traffic: lines = replayed + those left out."""

    version: int
    against: int
    lines: int
    """Answers of champions in the window."""
    replayed: int
    left_out: Mapping[str, int]
    """Why lines could not be scored again, and how many."""
    difference: float | None
    """Mean absolute difference of the two versions' answers, or the share of rows whose class they differ on."""
    labelled: int
    """Replayed lines with an outcome."""
    not_judged: Mapping[str, int]
    """Why lines with an outcome were not judged, and how many."""
    judged: int
    decision: Decision | None
    undecided: str | None
    """Why there is no decision."""
