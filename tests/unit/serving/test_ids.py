"""Identifiers: UUID version 7, in the order of time, none twice."""

from __future__ import annotations

import datetime
import uuid

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
    ids = [text for _ in range(100) for text in new_ids(1000, 1)]
    assert len(set(ids)) == len(ids)
