"""The time, and where long work reports how far it is."""

from __future__ import annotations

import datetime
from typing import Protocol


class Clock(Protocol):
    """The only way to learn the time."""

    def now(self) -> datetime.datetime:
        """The present moment, in UTC, aware of its zone."""
        ...


class Progress(Protocol):
    """Where long work reports how far it is."""

    def step(self, name: str, total: int | None = None) -> Progress:
        """Begin a part with a known number of units, or an unknown one."""
        ...

    def advance(self, units: int = 1, note: str = "") -> None:
        """Units are done; `note` is shown beside the bar (the best score so far)."""
        ...

    def done(self, note: str = "") -> None:
        """The part is over."""
        ...
