"""A clock that stands still until it is moved, and progress that nobody sees."""

from __future__ import annotations

import datetime

from torneo.ports import Progress


class FixedClock:
    """A clock for tests.

    >>> clock = FixedClock()
    >>> clock.advance(60)
    >>> clock.now().isoformat()
    '2026-01-01T00:01:00+00:00'
    """

    def __init__(self, moment: datetime.datetime = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) -> None:
        self._moment = moment

    def now(self) -> datetime.datetime:
        """The moment it stands at."""
        return self._moment

    def advance(self, seconds: float) -> None:
        """Move it on."""
        self._moment += datetime.timedelta(seconds=seconds)


class SilentProgress:
    """Progress of work that nobody watches."""

    def step(self, name: str, total: int | None = None) -> Progress:  # noqa: ARG002 - the port's parameters
        """Begin a part."""
        return self

    def advance(self, units: int = 1, note: str = "") -> None:
        """Units are done."""

    def done(self, note: str = "") -> None:
        """The part is over."""
