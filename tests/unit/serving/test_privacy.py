"""Personal data in the log: a keyed hash, or nothing."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.serving.inputs import Decoder
from torneo.serving.privacy import Privacy
from torneo.spec.columns import Column, Contract

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


KEYS: Mapping[str, Mapping[str, Any]] = {
    "int": {"type": "int"},
    "float": {"type": "float"},
    "bool": {"type": "bool"},
    "listed": {"type": "category", "values": [1, 2, 2.5]},
    "flag": {"type": "category", "values": [True, False]},
    "category": {"type": "category"},
    "text": {"type": "text"},
    "date": {"type": "date"},
    "german": {"type": "date", "format": "%d.%m.%Y"},
    "datetime": {"type": "datetime"},
}
DAYS = st.dates(datetime.date(1990, 1, 1), datetime.date(1990, 2, 3))
SPELLINGS: Mapping[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-3, 3) | st.integers(-3, 3).map(float) | st.sampled_from([2**53 - 1, 2.0**53 - 1, -0.0]),
    "float": st.integers(-3, 3) | st.integers(-3, 3).map(float) | st.sampled_from([0.5, 1e22, 10**22, 1e23, 10**23]),
    "bool": st.sampled_from([True, False, 1, 0, 1.0, 0.0]),
    "listed": st.sampled_from([1, 1.0, "1", "1.0", " 1 ", 2, "2.00", 2.5, "2.50"]),
    "flag": st.sampled_from([True, "true", "True", " TRUE", False, "False", "false "]),
    "category": st.sampled_from([1, 1.0, "1", "1.0", " 1\u00a0", "\x1c1", True, "true", "True"]),
    "text": st.sampled_from([7, 7.0, "7", " 7", "07", False, "false"]),
    "date": DAYS.flatmap(
        lambda day: st.sampled_from(
            [f"{day}", f"{day.year}-{day.month}-{day.day}", f"{day}T00:00:00", f"{day} 00:00:00", f"{day:%Y%m%d}"]
        )
    ),
    "german": DAYS.map(lambda day: f"{day:%d.%m.%Y}") | DAYS.map(lambda day: f"{day.day}.{day.month}.{day.year}"),
    "datetime": st.integers(0, 3).flatmap(
        lambda hour: st.sampled_from(
            [f"2024-01-05T0{hour}:00:00", f"2024-1-5 {hour}:00", f"2024-01-05T0{hour}:00:00.000Z",
             f"2024-01-05T0{hour + 2}:00:00+02:00"]
        )
    ),
}  # fmt: skip


def keyed(kind: str) -> Privacy:
    contract = Contract.model_validate({"key": ["k"], "columns": {"k": {**KEYS[kind], "pii": "hash"}}})
    return Privacy.of("p", contract, b"secret")


@pytest.mark.parametrize("kind", KEYS)
@given(data=st.data())
def test_values_that_are_equal_to_the_model_are_one_subject(kind: str, data: st.DataObject) -> None:
    first, second = ({"k": data.draw(SPELLINGS[kind])} for _ in range(2))
    read = Decoder({"k": Column.model_validate(KEYS[kind])}, frozenset({"k"})).decode([first, second])
    assert not read.findings
    same = read.columns["k"][0] == read.columns["k"][1]
    privacy = keyed(kind)
    assert (privacy.entity(first) == privacy.entity(second)) is same
    assert (privacy.kept(first) == privacy.kept(second)) is same


@pytest.mark.parametrize(
    ("kind", "asked", "sent"),
    [
        ("int", "1.0", 1), ("int", "9007199254740993", 9007199254740993), ("float", "5e-1", 0.5), ("float", "2", 2.0),
        ("bool", "True", True), ("bool", "1", True), ("listed", "2.0", 2), ("date", "2024-1-5", "2024-01-05"),
        ("date", datetime.date(2024, 1, 5), "2024-01-05"), ("german", datetime.date(2024, 1, 5), "5.1.2024"),
        ("datetime", datetime.datetime(2024, 1, 5, 10), "2024-01-05T10:00"),
    ],
)  # fmt: skip
def test_a_subject_is_found_by_the_text_of_a_command_line_and_by_the_value_of_a_file(
    kind: str, asked: Any, sent: Any
) -> None:
    assert keyed(kind).entity({"k": asked}) == keyed(kind).entity({"k": sent}) != ""


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("int", 7, "7"), ("int", 9007199254740993, "9007199254740993"), ("text", "Ada L", "Ada L"),
        ("date", "2024-01-05", "2024-01-05"), ("german", "05.01.2024", "05.01.2024"),
        ("listed", 2.5, "2.5"), ("float", 0.1, "0.1"),
        ("datetime", "2024-01-05T10:30:00", "2024-01-05T10:30:00"), ("date", "soon ", "soon"), ("int", [1], "[1]"),
    ],
)  # fmt: skip
def test_canonical_values_and_those_that_cannot_be_read_keep_the_hash_that_older_logs_have(
    kind: str, value: Any, text: str
) -> None:
    privacy = keyed(kind)
    assert privacy.entity({"k": value}) == privacy._hash("p", text)
    assert privacy.kept({"k": value}) == {"k": privacy._hash("p", "k", text)}
