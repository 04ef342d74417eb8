"""The entry point: the right plug-in, joins, and a record without secrets."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.errors import MissingExtraError, SourceError
from torneo.sources import Reading, fingerprint, read
from torneo.sources._uri import display, redact, resolve
from torneo.spec.source import Source


def run(folder: Path, **source: object) -> tuple[Reading, pl.DataFrame]:
    target = folder / "out.parquet"
    spec = Source.model_validate(source)
    reading = read(spec, [folder], target)
    assert reading.fingerprint == fingerprint(spec, [folder])
    return reading, pl.read_parquet(target)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "sales.csv").write_text("store,units\n 2,5\n1,6\n\n9,7\n,8\n2,9\n")
    (tmp_path / "stores.csv").write_text("store,town\n1,Ulm\n2,Rom\n3,Bonn\n")
    return tmp_path


def test_a_join_keeps_all_rows_in_their_order_with_their_lines(shop: Path) -> None:
    reading, frame = run(shop, uri="sales.csv", join=[{"uri": "stores.csv", "on": ["store"]}])
    assert frame.rows() == [
        (" 2", "5", "Rom", 2),
        ("1", "6", "Ulm", 3),
        ("9", "7", None, 5),
        ("", "8", None, 6),
        ("2", "9", "Rom", 7),
    ]
    assert reading.columns == ("store", "units", "town")
    assert reading.unmatched == {"stores.csv": 2}
    assert (reading.source, reading.file, reading.rows) == ("sales.csv", "sales.csv", 5)
    assert sorted(path.name for path in shop.iterdir()) == ["out.parquet", "sales.csv", "stores.csv"]


def test_two_joins_and_two_keys_across_formats(shop: Path) -> None:
    pl.DataFrame({"town": ["Rom", "Ulm"], "store": [2.0, 1.0], "area": [1, 2]}).write_parquet(shop / "t.parquet")
    joins = [{"uri": "stores.csv", "on": ["store"]}, {"uri": "t.parquet", "on": ["store", "town"]}]
    reading, frame = run(shop, uri="sales.csv", join=joins)
    assert frame["area"].to_list() == [1, 2, None, None, 1]
    assert reading.unmatched == {"stores.csv": 2, "t.parquet": 2}


def test_the_fingerprint_covers_the_joined_table(shop: Path) -> None:
    source = Source.model_validate({"uri": "sales.csv", "join": [{"uri": "stores.csv", "on": ["store"]}]})
    before = fingerprint(source, [shop])
    (shop / "stores.csv").write_text("store,town\n1,Ulm\n2,Rom\n3,Köln\n")
    assert fingerprint(source, [shop]) != before


@pytest.mark.parametrize(
    ("stores", "on", "message"),
    [
        (
            "store,town\n1,Ulm\n2,Rom\n 1,Bonn\n",
            "store",
            r"1 key.s. occur more than once.*'store': '1'} on lines 2 and 4",
        ),
        ("store,units\n1,Ulm\n", "store", r"1 column.s. exist on both sides: units"),
        ("shop,town\n1,Ulm\n", "store", "stores.csv has no column 'store'"),
        ("store,town\n1,Ulm\n", "stor", "sales.csv has no column 'stor'; did you mean 'store'"),
        ("store,town\nS1,Ulm\n", "store", r"no row has a partner by store; sales.csv begins with \('2',\)"),
        ("store,town\n", "store", "stores.csv has columns but no rows"),
    ],
)
def test_joins_that_would_mislead_are_refused(shop: Path, stores: str, on: str, message: str) -> None:
    (shop / "stores.csv").write_text(stores)
    with pytest.raises(SourceError, match=message):
        run(shop, uri="sales.csv", join=[{"uri": "stores.csv", "on": [on]}])
    assert not (shop / "out.parquet").exists()


@given(
    left=st.lists(st.sampled_from(["1", " 1", "2", "3", "", "x"]), min_size=1, max_size=30),
    right=st.lists(st.sampled_from(["1", "2", "3", "4"]), min_size=1, max_size=4, unique=True),
)
@settings(deadline=None, max_examples=40)
def test_a_join_never_loses_doubles_or_moves_a_row(
    tmp_path_factory: pytest.TempPathFactory, left: list[str], right: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("join")
    (folder / "l.csv").write_text("k,n\n" + "".join(f"{key},{n}\n" for n, key in enumerate(left)))
    (folder / "r.csv").write_text("k,v\n" + "".join(f"{key},v{key}\n" for key in right))
    partners = [f"v{key.strip()}" if key.strip() in right else None for key in left]
    if not any(partners):
        with pytest.raises(SourceError, match="no row has a partner"):
            run(folder, uri="l.csv", join=[{"uri": "r.csv", "on": ["k"]}])
        return
    reading, frame = run(folder, uri="l.csv", join=[{"uri": "r.csv", "on": ["k"]}])
    assert frame["n"].to_list() == [str(n) for n in range(len(left))]
    assert frame["v"].to_list() == partners
    assert reading.unmatched == {"r.csv": partners.count(None)}


def test_an_unknown_scheme_lists_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing reads ftp://\n  fix: .*http:, s3:, simulate:, sklearn:"):
        run(tmp_path, uri="ftp://h/a.csv")


def test_a_file_name_may_have_a_colon(tmp_path: Path) -> None:
    (tmp_path / "sales:2026.csv").write_text("a\n1\n")
    assert run(tmp_path, uri="sales:2026.csv")[1].rows() == [("1", 2)]


def test_no_rows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(SourceError, match=r"a.csv has columns but no rows"):
        run(tmp_path, uri="a.csv")


def test_variables_come_from_the_environment_and_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "postgresql://me:${SALES_PASSWORD}@host/db?token=abc"
    monkeypatch.setenv("SALES_PASSWORD", "p@ss/w")
    assert resolve(uri) == "postgresql://me:p%40ss%2Fw@host/db?token=abc"
    assert display(uri) == "postgresql://me:***@host/db?token=***"
    assert redact("login with p@ss/w (p%40ss%2Fw)\n failed", uri) == "login with *** (***) failed"
    monkeypatch.delenv("SALES_PASSWORD")
    with pytest.raises(SourceError, match="SALES_PASSWORD is not set"):
        resolve(uri)
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("SALES_PASSWORD_FILE", str(tmp_path / "secret"))
    assert "me:from%20a%20file@" in resolve(uri)
    monkeypatch.setenv("SALES_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(SourceError, match=r"SALES_PASSWORD_FILE: .* cannot be read"):
        resolve(uri)


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1))
def test_a_password_is_never_shown(password: str) -> None:
    assert display(f"postgresql://me:{password}@host/db") == "postgresql://me:***@host/db"


@pytest.mark.parametrize(
    ("uri", "package", "extra"), [("s3://b/a.csv", "s3fs", "s3"), ("postgresql://u@h/d", "psycopg", "postgres")]
)
def test_a_missing_extra_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"needs {package}(.|\n)*pip install 'torneo\[{extra}\]'"):
        run(tmp_path, uri=uri, query="SELECT 1")


REAL = {
    "HousingData.csv": ({}, 506, 14, 2),
    "cdnow_transactions.csv": ({}, 69_659, 5, 2),
    "ventas.csv": ({}, 365, 5, 2),
    "telco_customer_churn.csv": ({}, 7043, 21, 2),
    "churn_modelling_missing.csv": ({}, 10_000, 14, 2),
    "binance_btcusdt_daily.csv": ({"header_line": 2}, 1409, 10, 3),
    "Social_Network_Ads.csv": ({}, 400, 5, 2),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(shared_data: Path, tmp_path: Path, name: str) -> None:
    options, rows, columns, first = REAL[name]
    reading = read(Source.model_validate({"uri": name, **options}), [tmp_path, shared_data], tmp_path / "t.parquet")
    lines = pl.read_parquet(tmp_path / "t.parquet")["__line__"]
    assert (reading.rows, len(reading.columns), lines[0]) == (rows, columns, first)
    text = (shared_data / name).read_bytes().splitlines()
    assert text[lines[-1] - 1] == text[-1]


def test_real_join(shared_data: Path, tmp_path: Path) -> None:
    source = {"uri": "rossmann_sales_100stores.csv", "join": [{"uri": "rossmann_stores_100.csv", "on": ["Store"]}]}
    reading = read(Source.model_validate(source), [shared_data], tmp_path / "t.parquet")
    assert (reading.rows, len(reading.columns), reading.unmatched) == (91_071, 18, {"rossmann_stores_100.csv": 0})


def test_a_url_as_the_header_is_refused(shared_data: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"rows must have 1 fields(.|\n)*:2: 10 fields(.|\n)*header_line"):
        read(Source(uri="binance_btcusdt_daily.csv"), [shared_data], tmp_path / "t.parquet")
