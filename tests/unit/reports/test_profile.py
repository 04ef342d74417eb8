from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.errors import SourceError
from torneo.reports.profile import RELATED, profile
from torneo.reports.profile_records import ColumnProfile, Profile
from torneo.spec.loading import LoadProject
from torneo.spec.project import Project

RANDOM = np.random.default_rng(0)
ROWS = 600


def project(columns: dict[str, dict[str, object]], **changes: object) -> Project:
    given = {
        "project": "example", "task": "regression", "target": "y", "source": {"uri": "data.csv"},
        "contract": {"columns": columns},
    }  # fmt: skip
    return Project.model_validate({**given, **changes})


def column(found: Profile, name: str) -> ColumnProfile:
    return next(each for each in found.columns if each.name == name)


def snapshot(folder: Path, **columns: object) -> Path:
    """A snapshot as ingest writes it from a CSV file: all text, and lines."""
    frame = pl.DataFrame(columns, strict=False).cast(pl.String).with_row_index("__line__", 2)
    frame.write_parquet(folder / "snapshot.parquet")
    return folder / "snapshot.parquet"


def test_columns_are_read_as_the_contract_says(tmp_path: Path) -> None:
    path = snapshot(
        tmp_path,
        Age=["31", " 40 ", "NA", "old", ""],
        code=["05", "5", "5", None, "7"],
        price=["1,5", "2,5", "-", "3,5", "1.234,5"],
        day=["24/12/2024", "25/12/2024", "31/02/2024", "NA", "01/01/2025"],
        note=["a", "b", "c", "d", "e"],
        y=["1", "2", "3", "4", "5"],
    )
    spec = project(
        {
            "age": {"type": "int", "nullable": True, "header": "Age", "unit": "years", "help": "of the person"},
            "code": {"type": "category", "nullable": True},
            "price": {"type": "float"},
            "day": {"type": "date", "format": "%d/%m/%Y"},
            "y": {"type": "float"},
        },
        source={"uri": "data.csv", "decimal": ","},
    )
    found = profile(path, spec)
    assert [each.name for each in found.columns] == ["age", "code", "price", "day", "note", "y"]
    age = column(found, "age")
    assert (age.kind, age.unit, age.help, age.role) == ("number", "years", "of the person", "feature")
    assert (age.missing, age.unreadable, age.unreadable_examples, age.present) == (2, 1, ("old",), 2)
    assert "1 value cannot be read as int, such as 'old'" in age.warnings
    assert column(found, "code").top[0] == ("5", 2)
    assert column(found, "code").distinct == 3
    price = column(found, "price")
    assert (price.unreadable, price.unreadable_examples) == (2, ("-", "1.234,5"))
    assert price.numbers is not None
    assert price.numbers.mean == pytest.approx(2.5)
    assert (column(found, "day").kind, column(found, "day").unreadable, column(found, "day").missing) == ("time", 1, 1)
    assert (column(found, "note").role, column(found, "y").role) == ("not in the contract", "target")


def test_a_load_is_read_by_its_contract_and_has_no_target(tmp_path: Path) -> None:
    columns = {
        "site": {"type": "category", "values": ["AR", "7"], "help": "where"},
        "user": {"type": "text", "header": "Usuario"},
        "day": {"type": "date", "format": "%d/%m/%Y"},
        "price": {"type": "decimal", "precision": 18, "scale": 4, "unit": "USD"},
        "value": {"type": "decimal", "precision": 28, "scale": 8, "compute": "round(price * 2, 8)"},
    }
    contract = {"columns": columns, "key": ["site", "user"]}
    load = LoadProject.model_validate(
        {"project": "coins", "source": {"uri": "c.csv"}, "contract": contract, "load": {"to": "prod.coins"}}
    )
    data = snapshot(
        tmp_path, site=["AR", "7", "AR"], Usuario=["1", "2", "1"], day=["5/1/2026", "31/2/2026", "6/1/2026"],
        price=["1.5000", "x", "3"], extra=["a", "b", "c"],
    )  # fmt: skip
    found = profile(data, load)
    assert (found.project, found.task, found.target, found.repeated_keys) == ("coins", None, None, 1)
    told = {one.name: (one.kind, one.role, one.unreadable) for one in found.columns}
    assert told == {
        "site": ("category", "key", 0), "user": ("text", "key", 0), "day": ("time", "other", 1),
        "price": ("number", "other", 1), "extra": ("text", "not in the contract", 0),
    }  # fmt: skip
    assert (column(found, "site").help, column(found, "price").unit) == ("where", "USD")
    assert column(found, "day").unreadable_examples == ("31/2/2026",)


def test_types_are_guessed_without_a_project(tmp_path: Path) -> None:
    path = snapshot(
        tmp_path,
        number=[str(n / 7) for n in range(100)],
        date=[f"2024-01-{1 + n % 28:02d}" for n in range(100)],
        letter=["abc"[n % 3] for n in range(100)],
        mixed=["0", "0", "0", "a"] * 25,
        text=[f"text {n}" for n in range(100)],
        nothing=[None] * 100,
    )
    kinds = {each.name: each.kind for each in profile(path).columns}
    assert kinds == {
        "number": "number", "date": "time", "letter": "category", "mixed": "category", "text": "text",
        "nothing": "empty",
    }  # fmt: skip


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_statistics_are_those_of_numpy(values: list[float | None]) -> None:
    found = profile(pl.LazyFrame({"x": pl.Series(values, dtype=pl.Float64)})).columns[0]
    known = np.array([value for value in values if value is not None])
    assert (found.missing, found.distinct) == (len(values) - len(known), len(set(known.tolist())))
    if not len(known):
        assert found.kind == "empty"
        return
    assert found.numbers is not None
    assert found.histogram is not None
    assert found.numbers.mean == pytest.approx(known.mean())
    assert found.numbers.deviation == pytest.approx(known.std())
    assert found.numbers.quantiles[0] == known.min()
    assert found.numbers.quantiles[-1] == known.max()
    assert found.numbers.zeros == (known == 0).sum()
    assert sum(found.histogram.counts) == len(known)
    assert found.top[0][1] == max(np.unique(known, return_counts=True)[1])


def test_oddities_are_told() -> None:
    y = RANDOM.normal(size=ROWS)
    frame = pl.LazyFrame(
        {
            "constant": ["x"] * ROWS,
            "nearly": ["a"] * (ROWS - 10) + ["b"] * 10,
            "zeros": np.where(np.arange(ROWS) % 4, 0.0, y),
            "skewed": np.exp(2 * y),
            "capped": np.minimum(y, 1.0),
            "id": [f"id{n}" for n in range(ROWS)],
            "case": ["yes", "Yes", "no"] * (ROWS // 3),
            "leak": y * 3,
            "list": [[1, 2]] * ROWS,
            "y": y,
        }
    )
    texts = ("constant", "nearly", "id", "case")
    names = (*texts, "zeros", "skewed", "capped", "leak", "y")
    found = profile(frame, project({name: {"type": "category" if name in texts else "float"} for name in names}))
    told = {each.name: "; ".join(each.warnings) for each in found.columns}
    assert told["constant"] == "constant: always x"
    assert told["nearly"] == "one value (a) in 98 % of rows"
    assert told["zeros"] == "zero in 75 % of rows"
    assert "look at a log" in told["skewed"]
    assert "capped at 1 (" in told["capped"]
    assert told["id"] == "a different value in each row: an id?"
    assert told["case"] == "'Yes' and 'yes' differ only in case"
    assert told["list"] == "lists or records: not looked into"
    assert told["y"] == ""
    assert "leak and y tell nearly the same (rank correlation 1): a leak?" in found.warnings


def test_normal_columns_cause_no_warning() -> None:
    frame = pl.LazyFrame({"x": RANDOM.normal(size=ROWS), "n": RANDOM.integers(0, 9, ROWS), "c": list("abc" * 200)})
    found = profile(frame)
    assert [each.warnings for each in found.columns] == [(), (), ()]
    assert found.warnings == ()


def test_copies_and_keys_are_counted_without_the_line(tmp_path: Path) -> None:
    path = snapshot(tmp_path, id=["1", "2", "2", "3"], x=["5", "6", "6", "7"], y=["1", "2", "2", "9"])
    spec = project(
        {"id": {"type": "text"}, "x": {"type": "int"}, "y": {"type": "float"}},
        contract={
            "key": ["id"], "columns": {"id": {"type": "text"}, "x": {"type": "int"}, "y": {"type": "float"}}
        },
    )  # fmt: skip
    found = profile(path, spec)
    assert (found.repeated, found.repeated_keys) == (1, 1)
    assert "1 row is a copy of another row" in found.warnings
    assert column(found, "id").role == "key"


def test_a_column_that_decides_the_class_is_strong_and_noise_is_weak() -> None:
    label = RANDOM.integers(0, 2, ROWS)
    columns = {
        "same": {"type": "category"}, "noise": {"type": "float"}, "y": {"type": "category", "values": ["no", "yes"]},
    }  # fmt: skip
    frame = pl.LazyFrame(
        {"same": np.where(label, "b", "a"), "noise": RANDOM.normal(size=ROWS), "y": np.where(label, "yes", "no")}
    )
    found = profile(frame, project(columns, task="classification"))
    same, noise = column(found, "same").relation, column(found, "noise").relation
    assert same is not None
    assert noise is not None
    assert same.strength == pytest.approx(1.0)
    assert {group.label: group.target for group in same.groups} == {"a": 0.0, "b": 1.0}
    assert same.what == "share of 'yes'"
    assert noise.strength < 0.05


def test_three_classes_show_the_share_that_differs_most() -> None:
    label = np.repeat(["u", "v", "w"], 200)
    columns = {"x": {"type": "float"}, "y": {"type": "category", "values": ["u", "v", "w"]}}
    frame = pl.LazyFrame({"x": (label == "w") * 5.0, "y": label})
    relation = column(profile(frame, project(columns, task="classification")), "x").relation
    assert relation is not None
    assert relation.what == "share of 'w'"
    assert relation.strength == pytest.approx(0.5, abs=0.01)


def test_many_rows_are_described_whole_and_related_on_a_sample() -> None:
    rows = RELATED + 1000
    found = profile(pl.LazyFrame({"a": np.arange(rows), "b": np.arange(rows) * -2.0}))
    assert (found.columns[0].distinct, found.related_rows) == (rows, RELATED)
    assert found.correlations.spearman[0][1] == pytest.approx(-1)
    assert found == profile(pl.LazyFrame({"a": np.arange(rows), "b": np.arange(rows) * -2.0}))


def test_no_rows_are_described(tmp_path: Path) -> None:
    found = profile(snapshot(tmp_path, x=[], y=[]))
    assert (found.rows, found.repeated) == (0, 0)
    assert column(found, "x").warnings == ("no values at all",)


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match=r"table\.parquet"):
        profile(path)
    with pytest.raises(SourceError, match="no columns"):
        profile(pl.LazyFrame({"__line__": [1]}))


def test_housing_has_its_known_oddities(shared_data: Path, tmp_path: Path) -> None:
    raw = pl.read_csv(shared_data / "HousingData.csv", infer_schema=False)
    found = profile(snapshot(tmp_path, **raw.to_dict(as_series=False)))
    assert column(found, "CRIM").missing == 20
    assert "capped at 50 (16 rows)" in column(found, "MEDV").warnings
    assert sum(each.missing for each in found.columns) == 120
