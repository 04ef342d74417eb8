"""What every log of refusals must do."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from torneo.ports.refusals import REQUESTS, RefusalLog, Refused, minutes
from torneo.testing.expect import equal
from torneo.testing.small_log import FIRST

Factory = Callable[[], RefusalLog]
MINUTE = datetime.timedelta(minutes=1)
HOUR = 60 * MINUTE


def refused(minute: int, reason: str = REQUESTS, count: int = 1, project: str = "housing") -> Refused:
    """A count of that minute after noon."""
    return Refused(project, minutes(FIRST) + minute, reason, count)


def adds_up(factory: Factory) -> None:
    """What is counted again is added, by another opening of the log too; projects and reasons stay apart."""
    factory().count_refused([refused(0), refused(0, "invalid_rooms", 3), refused(0, project="sales")])
    factory().count_refused([refused(0, count=2), refused(0, "invalid_rooms"), refused(0, count=4)])
    found = factory().refused("housing", FIRST, FIRST + HOUR)
    equal(list(found), [refused(0, count=7), refused(0, "invalid_rooms", 4)], "counts")
    equal(list(factory().refused("sales", FIRST, FIRST + HOUR)), [refused(0, project="sales")], "another project's")
    factory().count_refused([])


def keeps_to_the_minutes(factory: Factory) -> None:
    """The minutes are those that begin from `since` on and before `until`, in order."""
    log = factory()
    log.count_refused([refused(minute) for minute in (3, 1, 0, 2)])
    for first, end, expected in ((0, 4, [0, 1, 2, 3]), (1, 3, [1, 2]), (0.5, 2.5, [1, 2]), (2, 2, [])):
        found = log.refused("housing", FIRST + first * MINUTE, FIRST + end * MINUTE)
        equal([each.minute - minutes(FIRST) for each in found], expected, f"minutes from {first} to {end}")


def counts_from_many_threads(factory: Factory) -> None:
    """Nothing is lost where many count at once."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: factory().count_refused([refused(5), refused(5, "b")]), range(40)))
    found = factory().refused("housing", FIRST, FIRST + HOUR)
    equal([each.number for each in found], [40, 40], "counts")


REFUSALS_SUITE: tuple[Callable[[Factory], None], ...] = (adds_up, keeps_to_the_minutes, counts_from_many_threads)
"""All checks; each is called with a factory of logs."""
