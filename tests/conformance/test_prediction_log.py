"""Memory, SQLite and PostgreSQL pass one suite, agree with each other, and each check finds what it looks for."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torneo.ports import Claim, LogFilter, Logged, Outcome, Prediction, PredictionLog
from torneo.testing import LOG_SUITE, MemoryPredictionLog
from torneo.testing.small_log import FIRST, outcome, prediction

Factory = Callable[[], PredictionLog]
PROJECTS = itertools.count()


@pytest.mark.parametrize("check", LOG_SUITE, ids=lambda check: check.__name__)
def test_prediction_log(check: Callable[[Factory], None], log: Factory) -> None:
    check(log)


class CutsMicroseconds(MemoryPredictionLog):
    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        return super().append([line._replace(latency=line.latency // 1000 * 1000) for line in predictions], claims)


class MixesProjects(MemoryPredictionLog):
    def get(self, project: str, id: str) -> Logged | None:  # noqa: A002
        return super().get("housing", id)


class Overwrites(MemoryPredictionLog):
    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        for line in predictions:
            self._lines.pop((line.project, line.id), None)
        return super().append(predictions, claims)


class CutsBatches(MemoryPredictionLog):
    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        return super().append(predictions[:2048], claims)


class LosesThreads(MemoryPredictionLog):
    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        return {} if predictions[0].request == "request-205" else super().append(predictions, claims)


class ClaimsAnew(MemoryPredictionLog):
    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        standing = super().append(predictions, claims)
        self._claims.update({claim[:3]: claim for claim in claims})
        return standing


class WritesTheLosers(MemoryPredictionLog):
    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        standing = super().append(predictions, claims)
        super().append(predictions)
        return standing


class TakesTheLatestWritten(MemoryPredictionLog):
    def add_outcomes(self, outcomes: Sequence[Outcome]) -> Sequence[str]:
        self._outcomes = {}
        return super().add_outcomes(outcomes)


class IgnoresUntil(MemoryPredictionLog):
    def page(self, project: str, wanted: LogFilter, *, before: str | None = None, limit: int = 100) -> Sequence[Logged]:
        return super().page(project, wanted.model_copy(update={"until": None}), before=before, limit=limit)


class RepeatsTheCursor(MemoryPredictionLog):
    def page(self, project: str, wanted: LogFilter, *, before: str | None = None, limit: int = 100) -> Sequence[Logged]:
        found = super().page(project, wanted, before=before, limit=limit)
        return [*found, *super().page(project, wanted, before=found[-1].id, limit=1)] if found else found


class CutsFrames(MemoryPredictionLog):
    def scan(self, project: str, wanted: LogFilter, *, rows: int = 50_000) -> Iterator[pl.DataFrame]:
        return itertools.islice(super().scan(project, wanted, rows=rows), 3)


class KeepsOutcomes(MemoryPredictionLog):
    def prune(self, project: str, before: datetime.datetime) -> int:
        outcomes = dict(self._outcomes)
        try:
            return super().prune(project, before)
        finally:
            self._outcomes = outcomes


class PrunesAPiece(MemoryPredictionLog):
    def prune(self, project: str, before: datetime.datetime) -> int:
        lines = self._found(project, LogFilter(until=before))
        return self._remove(lines[:5000], [])


class ErasesThoseWithout(MemoryPredictionLog):
    def erase(self, project: str, entity: str) -> int:
        return super().erase(project, entity) or self._remove(self._found(project, LogFilter(entity=entity)), [])


@pytest.mark.parametrize(
    ("broken", "check", "says"),
    [
        (CutsMicroseconds, "keeps_lines", "line by its id: expected .*1.5.*got .*1.0"),
        (MixesProjects, "misses_what_is_not_there", "line of another project"),
        (Overwrites, "appends_an_id_once", "lines: expected"),
        (CutsBatches, "appends_batches_of_any_size", "lines after all batches: expected 5165, got 2213"),
        (LosesThreads, "appends_from_many_threads", "lines: expected 50, got 49"),
        (ClaimsAnew, "keeps_claims", "answer to the same claim again"),
        (WritesTheLosers, "keeps_claims", "lines: expected"),
        (WritesTheLosers, "lets_one_claim", "whether the standing claim is written: expected {True}"),
        (TakesTheLatestWritten, "keeps_outcomes", "outcomes: expected"),
        (IgnoresUntil, "filters", "page of {'until'"),
        (RepeatsTheCursor, "turns_pages", "page of 11 lines"),
        (CutsFrames, "turns_pages", "all frames of 1 rows"),
        (KeepsOutcomes, "prunes", "line written anew"),
        (PrunesAPiece, "prunes_much", "removed: expected 12000, got 5000"),
        (ErasesThoseWithout, "erases", "no entity: expected 0, got 1"),
    ],
)
def test_a_broken_log_is_found(broken: type[MemoryPredictionLog], check: str, says: str) -> None:
    store = broken()
    [found] = [each for each in LOG_SUITE if each.__name__ == check]
    with pytest.raises(AssertionError, match=says):
        found(lambda: store)


def test_every_check_has_a_broken_implementation() -> None:
    [mark] = test_a_broken_log_is_found.pytestmark  # type: ignore[attr-defined]
    assert {row[1] for row in mark.args[1]} == {check.__name__ for check in LOG_SUITE}


NUMBERS = st.lists(st.integers(0, 40), max_size=30)
MOMENTS = st.none() | st.integers(-1, 41).map(lambda second: FIRST + datetime.timedelta(seconds=second))
FILTERS = st.builds(
    LogFilter,
    since=MOMENTS,
    until=MOMENTS,
    version=st.sampled_from([None, None, 0, 1]),
    entity=st.sampled_from([None, None, "e0", "e1"]),
    labelled=st.sampled_from([None, None, True, False]),
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NUMBERS, max_size=4), NUMBERS, FILTERS, st.integers(1, 9), MOMENTS)
def test_the_logs_agree(
    log: Factory, batches: list[list[int]], labelled: list[int], wanted: LogFilter, size: int, before: Any
) -> None:
    """Appended twice is appended once; all pages together are all frames together, and those of the log in memory."""
    project = f"p{next(PROJECTS)}"
    given, memory = log(), MemoryPredictionLog()
    for store in (given, memory):
        for batch in (*batches, *batches):
            store.append(
                [prediction(n, project=project, version=n % 2, entity="" if n % 3 else f"e{n % 2}") for n in batch]
            )
        store.add_outcomes(
            [outcome(n, place, after=3600 + n)._replace(project=project) for place, n in enumerate(labelled)]
        )
    for _ in range(2):
        expected = list(memory.page(project, wanted, limit=100))
        assert list(_all_pages(given, project, wanted, size)) == expected
        frames = list(given.scan(project, wanted, rows=size))
        assert [id_ for frame in frames for id_ in frame["id"]] == [line.id for line in reversed(expected)]
        if before is not None:
            assert given.prune(project, before) == memory.prune(project, before)


def _all_pages(log: PredictionLog, project: str, wanted: LogFilter, size: int) -> Iterator[Logged]:
    before = None
    while page := log.page(project, wanted, before=before, limit=size):
        yield from page
        before = page[-1].id
