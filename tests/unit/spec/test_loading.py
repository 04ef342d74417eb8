from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest

from torneo.errors import ConflictError, SpecError
from torneo.spec.load import load, parse, validate
from torneo.spec.loading import Dates, LoadProject, project_schema
from torneo.spec.project import Project

TEXT = """
project: coins
source: {uri: coins.csv}
contract:
  key: [site, day]
  columns:
    site: {type: category, values: [AR, BR]}
    day: {type: date, header: Day}
    price: {type: decimal, precision: 18, scale: 4}
    twice: {type: decimal, precision: 18, scale: 4, compute: price + price}
    note: {type: text, nullable: true}
load: {to: prod.coins, window: {column: day, days: 5d}}
"""
DAY = datetime.date(2026, 3, 3)


def project(text: str = TEXT) -> LoadProject:
    return validate(parse(text, "p.yaml"), LoadProject)


def test_the_key_load_decides_what_kind_of_project_it_is(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text(TEXT)
    assert isinstance(load(path), LoadProject)
    path.write_text(TEXT.replace("load: {to: prod.coins, window: {column: day, days: 5d}}", ""))
    with pytest.raises(SpecError, match=r"target is missing[\s\S]*task is missing"):
        load(path)


def test_the_other_tables_are_named_after_the_first() -> None:
    tables = project().tables(("site", "Day", "price", "note"))
    names = (tables.raw, tables.staging, tables.prod, tables.rejects)
    assert names == ("raw.coins", "staging.coins_candidate", "prod.coins", "dqm.coins_rejects")
    assert tables.raw_columns == ("site", "day", "price", "note")
    assert [column.type for column in tables.columns] == ["text", "date", "decimal", "decimal", "text"]
    assert project().tables(("twice",)).raw_columns == ("site", "day", "price", "twice", "note")


def test_names_of_tables_that_were_derived_are_short_enough() -> None:
    tables = project(TEXT.replace("prod.coins", f"prod.{'c' * 63}")).tables(())
    assert max(len(name.split(".")[1]) for name in (tables.staging, tables.rejects)) == 63


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("key: [site, day]", "key: []", "p.yaml:5:3: contract: a load needs `key`"),
        ("key: [site, day]", "key: [site, note]", "p.yaml:5:15: contract.key.1: note must not be nullable"),
        (
            "column: day",
            "column: dya",
            "load.window.column: there is no column 'dya' in contract.columns (did you mean",
        ),
        ("column: day", "column: site", "load.window.column: site must have type date, not category"),
        ("to: prod.coins", "to: Coins", "p.yaml:12:12: load.to: String should match pattern"),
        ("to: prod.coins", "to: prod.coins, raw: prod.coins", "load.raw: prod.coins is already the table of `to`"),
        ("to: prod.coins", "to: raw.coins", "p.yaml:12:12: load.to: raw.coins is already the table of `raw`, which"),
        ("to: prod.coins", "to: prod.coins, rejects: raw.coins", "load.rejects: raw.coins is already the table of"),
        ("to: prod.coins", "to: prod.c, raw: dqm.c_rejects", "load.raw: dqm.c_rejects is already the table of `rej"),
        ("to: prod.coins", "to: information_schema.x", "load.to: information_schema.x: the schema information_schema"),
        ("to: prod.coins", "to: prod.coins, staging: pg_temp.x", "load.staging: pg_temp.x: the schema pg_temp belongs"),
        ("to: prod.coins", "to: dqm.dq_runs", "load.to: dqm.dq_runs has the line of each run of all loads"),
        ("to: prod.coins", "to: prod.coins, misssing: keep", "unknown key 'misssing' (did you mean 'missing'?)"),
        ("scale: 4}", "scale: 19}", "price.scale: 19 digits after the point are more than all 18"),
        ("precision: 18, ", "", "price.type: a decimal needs `precision` (all digits) and `scale`"),
        ("price + price", "price + prise", "twice.compute: there is no column 'prise' (did you mean 'price'?)"),
        ("price + price", "twice + 1", "twice.compute: twice is itself computed"),
        ("note: {", "updated_at: {", "updated_at: Torneo adds a column of this name"),
        ("note: {", f"{'n' * 64}: {{", "a table's column has at most 63 bytes"),
        ("note: {", "Site: {", "differs from 'site' in upper and lower case only"),
        ("type: text, ", "type: text, scale: 2, ", "note.scale: it has no meaning for type text"),
        ("type: text, ", "type: text, compute: price + 1, ", "note.compute: it has no meaning for type text"),
        ("source: {uri: coins.csv}", "source: {uri: coins.csv}\ntarget: price", "unknown key 'target'"),
    ],
)
def test_mistakes_have_a_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(SpecError, match=re.escape(message)):
        project(TEXT.replace(old, new, 1))


def test_a_project_that_trains_refuses_what_is_for_loads() -> None:
    text = TEXT.replace("load: {to: prod.coins, window: {column: day, days: 5d}}", "task: regression\ntarget: price")
    with pytest.raises(SpecError, match=r"price.type: decimal is for projects with `load:`[\s\S]*twice.compute"):
        validate(parse(text, "p.yaml"), Project)


@pytest.mark.parametrize(
    ("dates", "first", "last"),
    [
        ({}, datetime.date(2026, 2, 27), DAY),
        ({"date": datetime.date(2024, 3, 1)}, datetime.date(2024, 2, 26), datetime.date(2024, 3, 1)),
        ({"first": DAY, "last": DAY}, DAY, DAY),
    ],
)
def test_the_window_ends_with_the_date_of_the_run(dates: Any, first: datetime.date, last: datetime.date) -> None:
    window = project().window(Dates(**dates), DAY)
    assert window is not None
    assert (window.column, window.first, window.last) == ("day", first, last)


def test_a_load_without_a_window_takes_no_dates() -> None:
    whole = project(TEXT.replace(", window: {column: day, days: 5d}", ""))
    assert whole.window(Dates(), DAY) is None
    with pytest.raises(ConflictError, match="coins has no window"):
        whole.window(Dates(date=DAY), DAY)


def test_the_schema_covers_both_kinds() -> None:
    schema = project_schema()
    assert {option["$ref"].rsplit("/", 1)[1] for option in schema["anyOf"]} == {"Project", "LoadProject"}
