"""The space that a search draws hyper-parameters from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torneo.spec.project import Scalar


@dataclass(frozen=True)
class Float:
    """A real number from `low` to `high`, both included; evenly over the logarithm where `log`."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log)


@dataclass(frozen=True)
class Int:
    """A whole number from `low` to `high`, both included; evenly over the logarithm where `log`."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log)


@dataclass(frozen=True)
class Choice:
    """One of some values, all alike."""

    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a choice needs at least one value")


Space = Mapping[str, Float | Int | Choice]
"""Parameter to the values it may take."""


def _check_bounds(low: float, high: float, log: bool) -> None:
    if not low < high:
        raise ValueError(f"low {low} must be smaller than high {high}")
    if log and low <= 0:
        raise ValueError(f"low {low} must be above 0 for a logarithm")
