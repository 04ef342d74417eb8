"""How many requests were refused for what they contain, and why: what was not answered is in no other log."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torneo.ports.prediction_log import EPOCH

MINUTE = datetime.timedelta(minutes=1)
REQUESTS = ""
"""The reason under which whole requests are counted; others count values that break the contract."""


def minutes(moment: datetime.datetime) -> int:
    """The first whole minute, since 1970 in UTC, that begins at a moment or after it.

    >>> minutes(datetime.datetime(1970, 1, 1, 0, 1, 30, tzinfo=datetime.UTC))
    2
    """
    return -((EPOCH - moment) // MINUTE)


class Refused(NamedTuple):
    """A count of one minute."""

    project: str
    minute: int
    """Whole minutes since 1970 in UTC."""
    reason: str
    """`REQUESTS`, or what a value broke."""
    number: int


class RefusalLog(Protocol):
    """Counts of what was refused, by minute; each method is one transaction.

    All raise UnavailableError where the database does not answer or its disk is full; nothing is half written then.
    """

    def count_refused(self, counts: Sequence[Refused]) -> None:
        """Add to the counts that are there; it is on disk when this returns."""
        ...

    def refused(self, project: str, since: datetime.datetime, until: datetime.datetime) -> Sequence[Refused]:
        """The counts of the minutes that begin from `since` on and before `until`, in order of minute and reason."""
        ...
