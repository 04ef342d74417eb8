"""Results as records."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from torneo.spec.records import Table, Trial, digest_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_a_digest_does_not_depend_on_the_order_of_keys(body: dict[str, object]) -> None:
    assert digest_of(body) == digest_of(dict(reversed(body.items())))


@given(JSON, JSON)
def test_values_that_differ_have_digests_that_differ(one: object, other: object) -> None:
    assert (digest_of(one) == digest_of(other)) == (repr(one) == repr(other) or _same(one, other))


def _same(one: object, other: object) -> bool:
    """Equal but for the order of keys, and of equal types: 1 and 1.0 and True are different JSON."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


def test_a_digest_is_the_same_in_another_process() -> None:
    code = "from torneo.spec.records import digest_of; print(digest_of({'é': [1, 0.1, None, True]}))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert said.stdout.strip() == digest_of({"é": [1, 0.1, None, True]})


def test_a_trial_survives_its_json() -> None:
    trial = Trial(params={"a": 1, "b": 1.0, "c": True, "d": None, "e": "x"}, scores=(0.1, 1e-300))
    again = Trial.model_validate_json(trial.model_dump_json())
    assert again == trial
    assert [type(value) for value in again.params.values()] == [int, float, bool, type(None), str]


def test_tables_are_values() -> None:
    assert Table(key="a", digest="b", rows=1) == Table.model_validate({"key": "a", "digest": "b", "rows": 1})
