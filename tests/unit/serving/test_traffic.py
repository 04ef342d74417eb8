"""Who takes part beside the champion: declared under its lock, ended by a promotion, not brought back by a rollback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo import promotion
from torneo.errors import ConflictError, LockedError, NotFoundError
from torneo.ports import TrackedRun
from torneo.serving.traffic import Change, Traffic, change_traffic, share_of, traffic, traffic_history
from torneo.testing import FixedClock, MemoryRegistry, MemoryState


class Place:
    """A project with three versions, the first of which is champion."""

    def __init__(self, folder: Path) -> None:
        clock = FixedClock()
        self.state, self.registry = MemoryState(clock), MemoryRegistry(clock)
        run = TrackedRun(
            project="small", name="line", key="key", params={}, metrics={}, series={}, tags={}, dataset_digest="d"
        )
        run_id = self.registry.track(run, None)
        for name in ("a", "b", "c"):
            self.registry.register("small", folder, key=f"small/{name}", digest=name, challenger=name, run_id=run_id)
        self.promote(1)

    def promote(self, number: int) -> None:
        promotion.promote(self.state, self.registry, "small", number, by="ada", why="test", owner="ada")

    def rollback(self) -> None:
        promotion.rollback(self.state, self.registry, "small", by="ada", why="test", owner="ada")

    def change(self, **change: float) -> Traffic:
        parts = Change.model_validate(change)
        return change_traffic(self.state, self.registry, "small", parts, by="ada", why="test", owner="ada")

    @property
    def roles(self) -> tuple[int | None, float, int | None]:
        """The challenger, its share, the shadow."""
        now = traffic(self.state, "small")
        numbers = [None if one is None else one.number for one in (now.challenger, now.shadow)]
        return numbers[0], now.share, numbers[1]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_roles_are_changed_one_by_one(place: Place) -> None:
    assert place.roles == (None, 0.0, None)
    assert place.change(shadow=2).shadow is not None
    assert place.roles == (None, 0.0, 2)
    place.change(challenger=3, share=0.1)
    assert place.roles == (3, 0.1, 2)
    place.change(share=0.25)
    assert place.roles == (3, 0.25, 2)
    place.change(shadow=0)
    assert place.roles == (3, 0.25, None)
    place.change(challenger=0)
    assert place.roles == (None, 0.0, None)
    assert [entry.body["why"] for entry in traffic_history(place.state, "small")] == ["test"] * 5


def test_the_same_change_twice_is_written_twice(place: Place) -> None:
    place.change(shadow=2)
    place.change(shadow=2)
    assert len(traffic_history(place.state, "small")) == 2


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"shadow": 1}, ConflictError, "version 1 of small is champion: it cannot be shadow as well"),
        ({"challenger": 1, "share": 0.1}, ConflictError, "it cannot be challenger as well"),
        ({"challenger": 2, "share": 0.1, "shadow": 2}, ConflictError, "cannot be challenger and shadow at once"),
        ({"challenger": 2}, ConflictError, "a challenger needs a share of the traffic\n  fix: add --share 10%"),
        ({"challenger": 2, "share": 1.0}, ConflictError, "a share of 1 is not between 0 and 1"),
        ({"challenger": 2, "share": 0.0}, ConflictError, "a share of 0 is not between 0 and 1"),
        ({"challenger": 2, "share": -0.5}, ConflictError, "a share of -0.5 is not between 0 and 1"),
        ({"challenger": 2, "share": float("nan")}, ConflictError, "a share of nan is not between 0 and 1"),
        ({"share": 0.1}, ConflictError, "small has no challenger that a share could go to"),
        ({"shadow": 9}, NotFoundError, r"small has no version 9 \(there are: 1, 2, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    place: Place, change: dict[str, float], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        place.change(**change)
    assert not traffic_history(place.state, "small")


def test_without_a_champion_nobody_takes_part(tmp_path: Path) -> None:
    clock = FixedClock()
    with pytest.raises(NotFoundError, match="other has no champion yet"):
        change_traffic(
            MemoryState(clock), MemoryRegistry(clock), "other", Change(shadow=1), by="ada", why="test", owner="ada"
        )


def test_champions_are_not_changed_meanwhile(place: Place) -> None:
    with place.state.lock(promotion.guard("small"), "somebody else"), pytest.raises(LockedError, match="somebody else"):
        place.change(shadow=2)


def test_a_promotion_ends_the_role_and_a_rollback_does_not_bring_it_back(place: Place) -> None:
    place.change(challenger=2, share=0.1, shadow=3)
    place.promote(2)
    assert place.roles == (None, 0.0, 3), "the challenger is champion, the shadow goes on"
    place.rollback()
    assert place.roles == (None, 0.0, 3), "the version that was rolled back gets no share of the traffic"
    place.promote(3)
    assert place.roles == (None, 0.0, None)
    place.promote(1)
    place.change(challenger=3, share=0.2)
    assert place.roles == (3, 0.2, None), "whoever wants it again says so again"


def test_a_former_champion_may_be_held_back_for_comparison(place: Place) -> None:
    place.promote(2)
    place.change(challenger=1, share=0.1)
    assert place.roles == (1, 0.1, None)


@given(st.lists(st.text(), min_size=1), st.floats(0, 1))
def test_a_subject_stays_on_its_side_as_the_share_grows(subjects: list[str], share: float) -> None:
    for subject in subjects:
        place = share_of(subject, "small")
        assert 0 <= place < 1
        assert share_of(subject, "small") == place
        if place < share:
            assert place < min(1.0, share + 0.1), "who was with the challenger stays with it when its share grows"


def test_subjects_are_spread_evenly_and_anew_in_each_project() -> None:
    places = [[share_of(f"customer {number}", name) < 0.1 for number in range(20_000)] for name in ("one", "two")]
    for side in places:
        assert 0.09 < sum(side) / len(side) < 0.11
    both = sum(first and second for first, second in zip(*places, strict=True)) / 20_000
    assert 0.005 < both < 0.015
