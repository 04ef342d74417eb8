from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.engines.gate import gate
from torneo.engines.keys import NONE, POSITION, Collisions, resolve
from torneo.engines.parse import parse
from torneo.spec.loading import LoadProject
from torneo.spec.records import LINE
from torneo.testing import SilentProgress


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


def test_keys_of_a_load_are_compared_as_the_database_holds_them(tmp_path: Path) -> None:
    """PostgreSQL has no NUL: two keys that differ in it only are one there."""
    columns = {"id": {"type": "text"}, "note": {"type": "category", "nullable": True}}
    body = {"project": "p", "source": {"uri": "p.csv"}, "contract": {"key": ["id"], "columns": columns}}
    rows = {"id": ["a\0", "a\ufffd", "b\0", "c"], "note": ["x", "y", "n\0", None], LINE: [2, 3, 4, 5]}
    pl.DataFrame(rows).write_parquet(tmp_path / "s.parquet")
    spec = LoadProject.model_validate({**body, "load": {"to": "prod.t"}})
    report = gate(spec, tmp_path / "s.parquet", tmp_path, SilentProgress(), {})
    assert report.reasons == {"duplicate_key": 2}
    accepted = pl.read_parquet(tmp_path / "accepted.parquet").select("id", "note").rows()
    assert accepted == [("b\ufffd", "n\ufffd"), ("c", None)]
    assert pl.read_parquet(tmp_path / "rejected.parquet")["id"].to_list() == ["a\0", "a\ufffd"]
    assert parse(spec.contract, spec.source, pl.DataFrame(rows))["id"].to_list() == rows["id"], "for training"
