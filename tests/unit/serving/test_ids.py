"""Identifiers: UUID version 7, in the order of time, none twice."""

from __future__ import annotations

import datetime
import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from torneo.ports.prediction_log import EPOCH, first_id
from torneo.serving.ids import new_ids

MOMENTS = st.integers(0, 2**48 - 1)


@given(moment=MOMENTS, count=st.integers(0, 50))
def test_they_are_uuids_of_version_7_and_say_their_moment(moment: int, count: int) -> None:
    ids = new_ids(count, moment)
    assert len(ids) == count
    for text in ids:
        made = uuid.UUID(text)
        assert str(made) == text
        assert (made.version, made.variant) == (7, uuid.RFC_4122)
        assert made.int >> 80 == moment


@given(one=MOMENTS, other=MOMENTS)
def test_ids_of_an_earlier_moment_are_smaller(one: int, other: int) -> None:
    early, late = sorted([one, other])
    if early < late:
        assert max(new_ids(20, early)) < min(new_ids(20, late))


@given(moment=st.integers(0, 4_000_000_000_000))
def test_the_log_finds_them_by_their_moment(moment: int) -> None:
    bound = first_id(EPOCH + datetime.timedelta(milliseconds=moment))
    assert bound <= new_ids(1, moment)[0]
    assert moment == 0 or new_ids(1, moment - 1)[0] < bound


def test_none_is_made_twice_in_one_moment() -> None:
    moments = itertools.cycle([1, 2, 1])  # a clock that is put back begins another count
    ids = [text for _ in range(100) for text in new_ids(1000, next(moments))]
    assert len(set(ids)) == len(ids)


@given(moment=MOMENTS, counts=st.lists(st.integers(0, 70), max_size=20))
def test_within_one_moment_they_are_in_the_order_in_which_they_are_made(moment: int, counts: list[int]) -> None:
    ids = [text for count in counts for text in new_ids(count, moment)]
    assert ids == sorted(ids)


def test_threads_do_not_share_a_number() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_ids(500, 7), range(64)))
    counted = {text[:23] for ids in made for text in ids}
    assert len(counted) == 64 * 500, "what is in front of the random digits tells them apart already"
    assert all(ids == sorted(ids) for ids in made)
