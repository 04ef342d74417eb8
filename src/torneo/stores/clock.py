"""The system's clock."""

from __future__ import annotations

import datetime


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime.datetime:
        """The present moment, in UTC."""
        return datetime.datetime.now(datetime.UTC)
