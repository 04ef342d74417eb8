"""Local files: found, proven, told apart by what they are, and read."""

from __future__ import annotations

import bz2
import datetime
import gzip
import hashlib
import json
import lzma
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from torneo.errors import SourceError
from torneo.sources import files
from torneo.spec.source import Input

CSV = b"a,b\n1,x\n2,y\n"


def extract(folder: Path, name: str, data: bytes, **options: object) -> pl.DataFrame:
    (folder / name).write_bytes(data)
    target = folder / "out" / "t.parquet"
    target.parent.mkdir(exist_ok=True)
    done = files.extract(Input(uri=name, **options), [folder], target)
    frame = pl.read_parquet(target)
    assert (done.rows, (*done.columns, "__line__")) == (len(frame), tuple(frame.columns))
    assert done.fingerprint == files.fingerprint(Input(uri=name), [folder]) == hashlib.sha256(data).hexdigest()
    assert done.file == name
    return frame


def test_the_first_folder_that_has_the_file_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "project", tmp_path / "data"
    first.mkdir()
    second.mkdir()
    (second / "a.csv").write_bytes(CSV)
    assert files.path_of(Input(uri="a.csv"), [first, second]) == second / "a.csv"
    (first / "a.csv").write_bytes(CSV)
    assert files.path_of(Input(uri="a.csv"), [first, second]) == first / "a.csv"
    assert files.path_of(Input(uri=f"file://{second}/a.csv"), [first]) == second / "a.csv"


def test_a_missing_file_tells_all_places(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no file 'a.csv'; looked for:") as caught:
        files.fingerprint(Input(uri="a.csv"), [tmp_path / "p", tmp_path / "d"])
    assert f"\n    {tmp_path}/p/a.csv\n    {tmp_path}/d/a.csv\n" in str(caught.value)
    assert "TORNEO_DATA" in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder, not a file"):
        files.fingerprint(Input(uri="."), [tmp_path])


def test_the_pin_shows_both_digests(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    wrong = "0" * 64
    for call in (files.fingerprint, lambda pinned, folders: files.extract(pinned, folders, tmp_path / "t.parquet")):
        with pytest.raises(SourceError, match=f"expected {wrong}\n.*found    {hashlib.sha256(CSV).hexdigest()}"):
            call(Input(uri="a.csv", sha256=wrong), [tmp_path])
    assert files.fingerprint(Input(uri="a.csv", sha256=hashlib.sha256(CSV).hexdigest()), [tmp_path])


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("a.csv.gz", gzip.compress),
        ("a.csv.bz2", bz2.compress),
        ("a.csv.xz", lzma.compress),
        ("a.csv.zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
        ("a.csv", gzip.compress),
        ("a.csv.gz", lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])),
    ],
)
def test_compressed_text(tmp_path: Path, name: str, compress: object) -> None:
    assert extract(tmp_path, name, compress(CSV)).rows() == [("1", "x", 2), ("2", "y", 3)]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"PK\x03\x04rest", "a.csv is a spreadsheet"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "a.csv is a spreadsheet"),
        ("a.csv", b"PAR1rest", "is a Parquet file\n  fix: set `format: parquet`"),
        ("a.csv", b"<!DOCTYPE html><html>", "is a web page"),
        ("a.csv", b"SQLite format 3\0x", "is a SQLite database"),
        ("a.csv.gz", gzip.compress(CSV * 99, mtime=0)[:40], "damaged or cut off"),
        ("a.xlsx", b"PK\x03\x04rest", "is a spreadsheet"),
        ("a.json", b"[]", r"does not say the file's format\n  fix: set `format`"),
        ("a", CSV, "does not say the file's format"),
        ("a.parquet", CSV, "cannot be read as Parquet"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        extract(tmp_path, name, data)


def test_the_stated_format_counts_more_than_the_name(tmp_path: Path) -> None:
    assert extract(tmp_path, "a.dat", CSV, format="csv").height == 2


def test_json_lines_keep_the_text_of_numbers(tmp_path: Path) -> None:
    lines = [
        '\ufeff{"id": 7e1, "x": 1.50}',
        "",
        '{"x": "05", "ok": true}',
        '{"ok": null, "id": 123456789012345678901}',
    ]
    frame = extract(tmp_path, "a.jsonl", "\n".join(lines).encode())
    assert frame.columns == ["id", "x", "ok", "__line__"]
    assert frame.rows() == [
        ("7e1", "1.50", None, 1),
        (None, "05", "true", 3),
        ("123456789012345678901", None, None, 4),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": [1]}\n', r"a.jsonl:2: 'a' is a list"),
        ('{"a": {"b": 1}}\n', r"a.jsonl:1: 'a' is an object"),
        ('{"a": 1}\n\n{"a": 1,}\n', r"a.jsonl:3:\d+: not JSON"),
        ('{"a": 1, "a": 2}\n', "a.jsonl:1: a key stands twice"),
        ("[1, 2]\n", "a.jsonl:1: expected an object"),
        ("\n", "a.jsonl is empty"),
        ('{"__line__": 1}', "Torneo's own"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_json_lines_that_are_no_flat_objects(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        extract(tmp_path, "a.jsonl", text.encode())


def test_json_lines_must_be_utf8(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a.jsonl:1: the text is not UTF-8"):
        extract(tmp_path, "a.jsonl", json.dumps({"a": "ñ"}, ensure_ascii=False).encode("latin-1"))


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    day = datetime.date(2026, 1, 2)
    table = pa.table(
        {
            "n": [1, None],
            "x": [0.5, 1.0],
            "price": [Decimal("1.10"), None],
            "day": [day, day],
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "none": pa.nulls(2),
        }
    )
    pq.write_table(table, tmp_path / "source.parquet")
    frame = extract(tmp_path, "a.parquet", (tmp_path / "source.parquet").read_bytes())
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.Decimal(3, 2), pl.Date, pl.String, pl.String, pl.Int64]
    assert frame.rows()[0] == (1, 0.5, Decimal("1.10"), day, "a", None, 1)
    assert frame["__line__"].to_list() == [1, 2]


@pytest.mark.parametrize("values", [[[1], [2]], [{"a": 1}, None], [b"x", b"y"], [datetime.timedelta(1), None]])
def test_parquet_columns_that_no_rule_can_judge(tmp_path: Path, values: list[object]) -> None:
    pq.write_table(pa.table({"ok": [1, 2], "odd": values}), tmp_path / "source.parquet")
    with pytest.raises(SourceError, match=r"a.parquet: column 'odd' has type"):
        extract(tmp_path, "a.parquet", (tmp_path / "source.parquet").read_bytes())


def test_parquet_of_several_row_groups_counts_on(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(300_000)}), tmp_path / "source.parquet", row_group_size=1000)
    frame = extract(tmp_path, "a.parquet", (tmp_path / "source.parquet").read_bytes())
    assert frame.select((pl.col("a") + 1 == pl.col("__line__")).all()).item()
    assert pq.read_metadata(tmp_path / "out" / "t.parquet").num_row_groups == 2
