"""Personal data in the log: a keyed hash, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.serving.privacy import Privacy
from torneo.spec.columns import Contract

CONTRACT = Contract.model_validate(
    {
        "key": ["person", "shop"],
        "columns": {
            "person": {"type": "int", "pii": "hash"},
            "shop": {"type": "category"},
            "name": {"type": "text", "pii": "drop"},
            "mail": {"type": "text", "pii": True},
            "age": {"type": "int"},
        },
    }
)
PRIVACY = Privacy.of("p", CONTRACT, b"secret")
VALUES = st.one_of(st.integers(-(2**53), 2**53), st.text(min_size=1).filter(str.strip), st.booleans())


@given(person=VALUES, name=st.text(min_size=30), mail=VALUES)
def test_what_is_kept_has_no_personal_data_and_all_else(person: Any, name: str, mail: Any) -> None:
    row = {"person": person, "shop": "x", "name": name, "mail": mail, "age": 3}
    kept = PRIVACY.kept(row)
    assert set(kept) == {"person", "shop", "mail", "age"}
    assert (kept["shop"], kept["age"]) == ("x", 3)
    assert len(kept["person"]) == len(kept["mail"]) == 32
    assert row["person"] == person, "the row itself is altered"


def test_equal_values_have_equal_hashes_in_one_column_of_one_installation() -> None:
    row = {"person": 7, "mail": "7"}
    kept = PRIVACY.kept(row)
    assert kept == PRIVACY.kept({"person": 7.0, "mail": " 7 "})
    assert kept["person"] != kept["mail"], "columns can be compared with each other"
    assert kept != Privacy.of("other", CONTRACT, b"secret").kept(row)
    assert kept != Privacy.of("p", CONTRACT, b"another secret").kept(row)


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_no_value_stays_none(empty: Any) -> None:
    assert PRIVACY.kept({"person": empty, "age": 1}) == {"person": empty, "age": 1}
    assert PRIVACY.entity({"person": empty, "shop": "x"}) == ""
    assert PRIVACY.entity({"person": 1}) == ""


@pytest.mark.parametrize("same", [7, 7.0, "7", " 7 "])
def test_a_subject_is_found_however_its_key_is_written(same: Any) -> None:
    assert PRIVACY.entity({"person": same, "shop": "x"}) == PRIVACY.entity({"person": 7, "shop": "x", "age": 3})
    assert PRIVACY.entity({"person": same, "shop": "x"}) != PRIVACY.entity({"person": 7, "shop": "y"})


def test_parts_of_a_key_cannot_be_mixed_up() -> None:
    assert PRIVACY.entity({"person": "a", "shop": "b,c"}) != PRIVACY.entity({"person": "a,b", "shop": "c"})


def test_without_a_key_there_is_no_entity() -> None:
    plain = Contract.model_validate({"columns": {"age": {"type": "int"}}})
    assert Privacy.of("p", plain, b"secret").entity({"age": 1}) == ""
    row = {"age": 1}
    assert Privacy.of("p", plain, b"secret").kept(row) is row
