from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.reports import profile_columns
from torneo.reports.profile_columns import codes, histogram, text_statistics
from torneo.reports.profile_types import Typed


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300))
def test_a_histogram_counts_every_row(values: list[float]) -> None:
    ordered = np.sort(np.array(values))
    found = histogram(ordered, whole=False)
    edges = np.array(found.edges)
    assert sum(found.counts) == len(values)
    assert (np.diff(edges) > 0).all()
    assert found.beyond == ((ordered < edges[0]) | (ordered > edges[-1])).sum()


def test_a_far_value_does_not_hide_the_others() -> None:
    ordered = np.append(np.linspace(0, 1, 999), 1e6)
    found = histogram(ordered, whole=False)
    assert found.edges[-1] < 2
    assert found.beyond == 1
    assert min(found.counts[2:-5]) > 10


def test_codes_put_rare_values_and_missing_ones_apart() -> None:
    places, labels = codes(pl.Series(["b", "a", "b", None, "c"]), 1)
    assert places.tolist() == [0, 1, 0, -1, 1]
    assert labels == ("b", "2 others")


def test_many_different_texts_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_columns, "SAMPLED", 1000)
    monkeypatch.setattr(profile_columns, "COUNTED", 500)
    texts = pl.Series([f"id{n}" for n in range(4000)] + ["often"] * 4000)
    distinct, exact, top = text_statistics(Typed("text", texts, 0))
    assert not exact
    assert distinct == pytest.approx(4001, rel=0.05)
    assert top[0][0] == "often"
    assert top[0][1] == pytest.approx(4000, rel=0.15)
