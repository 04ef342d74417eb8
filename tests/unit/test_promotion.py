"""Who is champion: the stream says it, the aliases follow, and nothing is written twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from torneo.errors import ConflictError, LockedError, NotFoundError
from torneo.ports import TrackedRun, Version
from torneo.promotion import Champion, barred, champion, follow, guard, history, previous, promote, record, rollback
from torneo.testing import FixedClock, MemoryRegistry, MemoryState

HAND = {"by": "ada", "why": "because", "owner": "ada@test"}


class Place:
    """A project with some versions."""

    def __init__(self, folder: Path, count: int = 4) -> None:
        self.state, self.registry = MemoryState(FixedClock()), MemoryRegistry(FixedClock())
        run = TrackedRun(project="p", name="a", key="k", params={}, metrics={}, series={}, tags={}, dataset_digest="d")
        run_id = self.registry.track(run, None)
        for number in range(1, count + 1):
            digest = f"digest {number}"
            self.registry.register("p", folder, key=f"k{number}", digest=digest, challenger="c", run_id=run_id)

    def version(self, number: int) -> Version:
        return self.registry.versions("p")[number - 1]

    def judged(self, number: int | None, evidence: str = "", action: str = "promote") -> None:
        new = None if number is None else self.version(number)
        record(self.state, self.registry, "p", action=action, new=new, by="judge", why="better", evidence=evidence)

    def aliases(self) -> dict[str, int]:
        return {alias: version.number for version in self.registry.versions("p") for alias in version.aliases}

    def now(self) -> int | None:
        present = champion(self.state, "p")
        return None if present is None else present.number


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_nobody_is_champion_at_first(place: Place) -> None:
    assert (place.now(), previous(place.state, "p"), list(history(place.state, "p"))) == (None, None, [])
    place.judged(None, action="keep")
    assert (place.now(), place.aliases()) == (None, {})


def test_champions_follow_each_other(place: Place) -> None:
    place.judged(1)
    assert place.aliases() == {"champion": 1}
    place.judged(3)
    assert place.aliases() == {"champion": 3, "previous": 1}
    place.judged(None, action="keep")
    assert place.aliases() == {"champion": 3, "previous": 1}
    assert champion(place.state, "p") == Champion.of(place.version(3))
    assert [entry.body["action"] for entry in history(place.state, "p")] == ["promote", "promote", "keep"]


def test_the_same_evidence_is_written_once(place: Place) -> None:
    for _ in range(3):
        place.judged(None, "evidence", action="keep")
    assert len(history(place.state, "p")) == 1
    place.judged(None, "other evidence", action="keep")
    place.judged(2)
    place.judged(None, "evidence", action="keep")
    assert [entry.body["action"] for entry in history(place.state, "p")] == ["keep", "keep", "promote", "keep"]


def test_a_crash_between_entry_and_alias_is_mended_by_the_next_who_looks(place: Place) -> None:
    place.judged(1)
    place.judged(2)
    place.registry.set_alias("p", "champion", 1)
    place.registry.set_alias("p", "previous", None)
    follow(place.state, place.registry, "p")
    assert place.aliases() == {"champion": 2, "previous": 1}


def test_a_promotion_that_crashed_can_be_repeated_and_sets_the_alias(place: Place) -> None:
    place.judged(1)
    promote(place.state, place.registry, "p", 2, **HAND)
    place.registry.set_alias("p", "champion", 1)
    with pytest.raises(ConflictError, match="version 2 of p is champion already"):
        promote(place.state, place.registry, "p", 2, **HAND)
    assert place.aliases() == {"champion": 2, "previous": 1}


def test_promoting_by_hand(place: Place) -> None:
    entry = promote(place.state, place.registry, "p", 3, **HAND)
    assert (entry.body["by"], entry.body["why"], place.now()) == ("ada", "because", 3)
    with pytest.raises(NotFoundError, match=r"p has no version 9 \(there are: 1, 2, 3, 4\)"):
        promote(place.state, place.registry, "p", 9, **HAND)


def test_two_at_once_cannot_interleave(place: Place) -> None:
    with place.state.lock(guard("p"), "eve"), pytest.raises(LockedError, match="is locked by eve"):
        promote(place.state, place.registry, "p", 1, **HAND)
    assert place.now() is None


def test_a_rollback_bars_the_version_that_goes(place: Place) -> None:
    place.judged(1)
    place.judged(2)
    rollback(place.state, place.registry, "p", **HAND)
    assert place.now() == 1
    assert list(barred(place.state, "p")) == ["digest 2"]
    reason = "version 2 was rolled back on 2026-01-01 by ada (because); promote it by hand if that is over"
    assert barred(place.state, "p")["digest 2"] == reason
    promote(place.state, place.registry, "p", 2, **HAND)
    assert barred(place.state, "p") == {}


def test_a_second_rollback_goes_further_back_and_not_to_what_was_rolled_back(place: Place) -> None:
    for number in (1, 2, 3):
        place.judged(number)
    rollback(place.state, place.registry, "p", **HAND)
    assert place.now() == 2
    rollback(place.state, place.registry, "p", **HAND)
    assert place.now() == 1
    assert set(barred(place.state, "p")) == {"digest 2", "digest 3"}
    with pytest.raises(ConflictError, match="p has no previous champion to go back to\n  fix: torneo history"):
        rollback(place.state, place.registry, "p", **HAND)


@pytest.mark.parametrize("champions", [[], [1]])
def test_there_is_nothing_to_go_back_to(place: Place, champions: list[int]) -> None:
    for number in champions:
        place.judged(number)
    with pytest.raises(ConflictError, match=r"p has no previous champion to go back to$"):
        rollback(place.state, place.registry, "p", **HAND)
