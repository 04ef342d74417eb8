from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.errors import ConflictError
from torneo.ports import Entry
from torneo.spec.chain import START, entry_digest, verify

BODIES = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3) | st.none(), max_size=3)


def chain(bodies: list[dict[str, Any]]) -> list[Entry]:
    time = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    entries: list[Entry] = []
    for number, body in enumerate(bodies, 1):
        digest = entry_digest(number, time, f"id{number}", body, entries[-1].digest if entries else START)
        entries.append(Entry(sequence=number, time=time, id=f"id{number}", body=body, digest=digest))
    return entries


def check(entries: list[Entry], whole: list[Entry], first: int = 1) -> None:
    verify("p/s", entries, count=len(whole), head=whole[-1].digest if whole else START, first=first)


@given(st.lists(BODIES, max_size=5))
def test_what_was_written_holds(bodies: list[dict[str, Any]]) -> None:
    entries = chain(bodies)
    check(entries, entries)
    for first in range(1, len(entries) + 1):
        check(entries[first - 1 :], entries, first)


@given(st.lists(BODIES, min_size=1, max_size=5), st.data())
def test_any_change_of_one_entry_is_named(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    entries = chain(bodies)
    place = data.draw(st.integers(0, len(entries) - 1))
    change = data.draw(
        st.sampled_from(
            [
                {"body": {"forged": 1}},
                {"id": "forged"},
                {"digest": "f" * 64},
                {"time": datetime.datetime.now(datetime.UTC)},
            ]
        )
    )
    changed = [*entries[:place], entries[place].model_copy(update=change), *entries[place + 1 :]]
    with pytest.raises(ConflictError, match=f"entry {place + 1} was altered"):
        check(changed, entries)


@given(st.lists(BODIES, min_size=1, max_size=5), st.data())
def test_any_removal_is_named(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    entries = chain(bodies)
    place = data.draw(st.integers(0, len(entries) - 1))
    with pytest.raises(ConflictError, match=f"entry {place + 1} is missing"):
        check(entries[:place] + entries[place + 1 :], entries)


def test_an_entry_that_the_head_does_not_know_is_named() -> None:
    entries = chain([{"n": 1}, {"n": 2}, {"n": 3}])
    with pytest.raises(ConflictError, match="entry 3 was added without the store"):
        check(entries, entries[:2])


def test_a_stream_written_anew_does_not_end_in_its_head() -> None:
    entries, forged = chain([{"n": 1}, {"n": 2}]), chain([{"n": 1}, {"n": 3}])
    with pytest.raises(ConflictError, match="entry 2 is not the one that was written last"):
        check(forged, entries)


def test_the_zone_of_a_time_does_not_matter() -> None:
    time = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
    elsewhere = time.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    assert entry_digest(1, time, "a", {}, START) == entry_digest(1, elsewhere, "a", {}, START)
