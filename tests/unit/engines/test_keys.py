from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.engines.keys import NONE, POSITION, Collisions, resolve


def test_within_gives_a_batch_its_reasons() -> None:
    found = Collisions(np.array([1, 5, 6]), pl.Series(["a", "b", "c"]))
    batch = found.within(4, 3)
    assert batch is not None
    assert batch.to_list() == [None, "b", "c"]
    assert found.within(2, 3) is None
    assert NONE.within(0, 10) is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 1))), max_size=15), st.randoms())
def test_one_row_of_copies_stays_and_no_row_of_a_contradiction(
    rows: list[tuple[int, int | None]], random: object
) -> None:
    numbered = [(key, value, position) for position, (key, value) in enumerate(rows)]
    expected = {}
    for key, value, position in numbered:
        same_key = [one for one in numbered if one[0] == key]
        if any(one[1] != value for one in same_key):
            expected[position] = "duplicate_key"
        elif same_key[0][2] != position:
            expected[position] = "repeated_row"
    shuffled = list(numbered)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    schema = {"key": pl.Int64, "value": pl.Int64, POSITION: pl.Int64}
    found = resolve(pl.DataFrame(shuffled, schema=schema, orient="row"), ["key"])
    assert dict(zip(found.positions.tolist(), found.reasons.to_list(), strict=True)) == expected
