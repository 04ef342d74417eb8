"""Memory, SQLite and PostgreSQL pass one suite of refusals, and each check finds what it looks for."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import pytest

from torneo.ports.refusals import RefusalLog, Refused
from torneo.testing import REFUSALS_SUITE, MemoryPredictionLog
from torneo.testing.conformance_refusals import refused
from torneo.testing.small_log import FIRST

Factory = Callable[[], RefusalLog]


@pytest.mark.parametrize("check", REFUSALS_SUITE, ids=lambda check: check.__name__)
def test_refusals(check: Callable[[Factory], None], log: Factory) -> None:
    check(log)


def test_pruning_takes_the_refusals_of_the_time(log: Factory) -> None:
    store = log()
    store.count_refused([refused(0), refused(1), refused(1, project="sales")])
    store.prune("housing", FIRST + datetime.timedelta(minutes=1))  # type: ignore[attr-defined]
    hour = FIRST + datetime.timedelta(hours=1)
    assert list(store.refused("housing", FIRST, hour)) == [refused(1)]
    assert list(store.refused("sales", FIRST, hour)) == [refused(1, project="sales")]


class Overwrites(MemoryPredictionLog):
    def count_refused(self, counts: Sequence[Refused]) -> None:
        self._refused.update({each[:3]: each.number for each in counts})


class TakesTheEnd(MemoryPredictionLog):
    def refused(self, project: str, since: datetime.datetime, until: datetime.datetime) -> Sequence[Refused]:
        return super().refused(project, since, until + datetime.timedelta(minutes=1))


class Loses(MemoryPredictionLog):
    def count_refused(self, counts: Sequence[Refused]) -> None:
        known = dict(self._refused)
        super().count_refused(counts)
        if sum(known.values()) == 60:
            self._refused = known


@pytest.mark.parametrize(
    ("broken", "check", "says"),
    [
        (Overwrites, "adds_up", "counts: expected"),
        (TakesTheEnd, "keeps_to_the_minutes", "minutes from 1 to 3"),
        (Loses, "counts_from_many_threads", "counts: expected"),
    ],
)
def test_a_broken_log_is_found(broken: type[MemoryPredictionLog], check: str, says: str) -> None:
    store = broken()
    [found] = [each for each in REFUSALS_SUITE if each.__name__ == check]
    with pytest.raises(AssertionError, match=says):
        found(lambda: store)
