"""What a server answers. A key that a newer server adds is left out, not an error."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["champion", "challenger", "shadow"]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Interval(_Answer):
    """Where the outcome lies with a chance of `share`."""

    low: float
    high: float
    share: float


class Warned(_Answer):
    """A value that the contract does not allow, where the project says to answer all the same."""

    column: str
    reason: str
    message: str


class Prediction(_Answer):
    """The answer to one row."""

    prediction_id: str
    prediction: Any
    """A number, or the class as the contract writes it."""
    interval: Interval | None = None
    """Of a number."""
    probabilities: Mapping[str, float] | None = None
    """By class, the class as text."""
    version: int
    role: Role
    warnings: Sequence[Warned] = ()


class Explanation(_Answer):
    """What each value adds: `base` plus all `values` is `output`."""

    base: float
    values: Mapping[str, float]
    output: float
    method: str
    version: int


class Recorded(_Answer):
    """What became of reported outcomes."""

    recorded: int
    unknown: Sequence[str]
    """Predictions that the server's log does not have."""


class Logged(_Answer):
    """A prediction from the log."""

    id: str
    time: datetime.datetime
    request: str
    version: int
    role: Role
    inputs: Mapping[str, Any]
    output: Mapping[str, Any]
    latency_ms: float
    outcome: Any = None
    """A number, or the class as the contract writes it."""
    outcome_time: datetime.datetime | None = None


class HistoryPage(_Answer):
    """A part of the log, the newest first."""

    items: Sequence[Logged]
    next: str | None = None
