from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from torneo.reports.html import escape, page, table, ticks

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@given(NUMBERS, NUMBERS, st.integers(2, 10))
def test_ticks_are_few_even_and_inside(low: float, high: float, about: int) -> None:
    assume(high - low > 1e-6 * max(abs(low), abs(high), 1e-3))
    found = ticks(low, high, about)
    room = 1e-6 * (high - low)
    assert len(found) <= about + 1
    assert all(low - room <= tick <= high + room for tick in found)
    steps = [b - a for a, b in itertools.pairwise(found)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_a_range_of_nothing_has_one_tick(low: float, high: float) -> None:
    assert len(ticks(low, high)) == 1


@given(st.text())
def test_escaped_text_has_nothing_that_ends_it(text: str) -> None:
    assert not set("<>\"'\x00\n") & set(escape(text))


def test_a_page_forbids_what_it_does_not_have() -> None:
    text = page("<title>", ["<p>body</p>"])
    assert "default-src 'none'" in text
    assert "<title>&lt;title&gt;</title>" in text
    assert "prefers-color-scheme: dark" in text


def test_tables_refuse_no_row_but_set_numbers_right() -> None:
    text = table(["a", "b"], [["x", "1"]], numbers=(1,))
    assert '<td>x</td><td class="number">1</td>' in text
