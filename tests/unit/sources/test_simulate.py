"""Simulated transactions: as many of each kind of bad row as asked for, equal for equal parameters, and labelled."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.errors import SourceError
from torneo.sources import fingerprint, read, simulate
from torneo.sources._crypto import KINDS
from torneo.spec.source import Input, Source

COINS = ("BTC", "ETH", "USDC")
KEY = ["site_id", "user_id", "purchase_date", "crypto_type"]
SPOIL_THE_KEY = ("invalid_site_id", "missing_user_id", "invalid_purchase_date", "invalid_crypto_type", "three_reasons")


def simulated(folder: Path, query: str, folders: tuple[Path, ...] = ()) -> pl.DataFrame:
    target = folder / "rows.parquet"
    simulate.extract(Input(uri=f"simulate:crypto?{query}"), folders, target)
    return pl.read_parquet(target)


def reasons(frame: pl.DataFrame) -> dict[str, int]:
    """How many rows break each rule, found without anything of Torneo."""
    day = pl.col("purchase_date").str.to_date("%-d/%-m/%Y", strict=False)
    price, units = (pl.col(f"purchase_{name}").cast(pl.Decimal(38, 14)) for name in ("price", "units"))
    rules = {
        "invalid_site_id": ~pl.col("site_id").is_in(["ARGENTINA", "BRASIL", "MEXICO"]),
        "missing_user_id": pl.col("user_id") == "",
        "invalid_purchase_date": day.is_null(),
        "invalid_crypto_type": ~pl.col("crypto_type").is_in(COINS),
        "negative_purchase_price": price < 0,
        "non_positive_units": units <= 0,
    }
    if "purchase_value" in frame.columns:
        value = pl.col("purchase_value").cast(pl.Decimal(38, 14))
        rules["mismatched_value"] = value != price * units
    found = frame.select(**{name: rule.sum() for name, rule in rules.items()}).row(0, named=True)
    return {name: count for name, count in found.items() if count}


def test_good_rows_break_nothing_and_have_a_key_each(tmp_path: Path) -> None:
    frame = simulated(tmp_path, "rows=5000&value=yes&from=2021-02-03&to=2021-02-09")
    assert reasons(frame) == {}
    assert frame.select(pl.struct(KEY).n_unique()).item() == 5000
    days = frame["purchase_date"].str.to_date("%-d/%-m/%Y")
    assert (days.min(), days.max()) == (datetime.date(2021, 2, 3), datetime.date(2021, 2, 9))
    assert not frame["purchase_date"].str.contains(r"\b0").any()
    assert set(frame.schema.values()) == {pl.String(), pl.Int64()}
    assert frame["__line__"].to_list() == list(range(1, 5001))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_bad_row_breaks_its_rule_alone(tmp_path: Path, kind: str) -> None:
    value = "&value=yes" if kind == "mismatched_value" else ""
    frame = simulated(tmp_path, f"rows=1000&bad.{kind}=2%{value}")
    rows = frame.drop("__line__")
    expected = {
        "three_reasons": {"invalid_site_id": 20, "invalid_purchase_date": 20, "non_positive_units": 20},
        "duplicate_key": {},
        "repeated_row": {},
    }
    assert reasons(frame) == expected.get(kind, {kind: 20})
    repeated = 20 if kind in ("duplicate_key", "repeated_row") else 0
    if kind not in SPOIL_THE_KEY:
        assert frame.height - frame.select(pl.struct(KEY).n_unique()).item() == repeated
    assert rows.height - rows.unique().height == (20 if kind == "repeated_row" else 0)


def test_a_share_in_all_is_spread_over_the_kinds(tmp_path: Path) -> None:
    found = reasons(simulated(tmp_path, "rows=1000&bad=10%&value=yes"))
    several = {"invalid_site_id", "invalid_purchase_date", "non_positive_units"}
    assert found == {kind: 20 if kind in several else 10 for kind in found}
    assert len(found) == 7
    assert len(reasons(simulated(tmp_path, "rows=1000&bad=10%"))) == 6


@given(st.integers(1, 400), st.integers(0, 50), st.integers(0, 2**31 - 1))
def test_any_share_of_any_number_can_be_bad(
    tmp_path_factory: pytest.TempPathFactory, rows: int, share: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("s")
    frame = simulated(folder, f"rows={rows}&bad={share}%&seed={seed}&to=2021-01-02")
    assert frame.height == rows
    kinds = simulate.simulation(f"simulate:crypto?rows={rows}&bad={share}%").bad
    assert sum(kinds.values()) == round(share / 100 * rows)
    expected = {kind: kinds.get(kind, 0) for kind in KINDS}
    for kind in ("invalid_site_id", "invalid_purchase_date", "non_positive_units"):
        expected[kind] += expected["three_reasons"]
    assert reasons(frame) == {kind: expected[kind] for kind in KINDS if expected[kind] and kind not in KINDS[-3:]}


def test_pieces_do_not_change_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulated(tmp_path, "rows=1000&bad=20%")
    monkeypatch.setattr("torneo.sources._crypto.ROW_GROUP", 77)
    assert simulated(tmp_path, "rows=1000&bad=20%").equals(whole)


def test_prices_are_those_of_the_files(tmp_path: Path, shared_data: Path) -> None:
    frame = simulated(tmp_path, "rows=3000&from=2021-01-05&to=2021-01-07", (tmp_path, shared_data))
    for coin in COINS:
        table = pl.read_csv(shared_data / f"crypto_{coin.lower()}_daily.csv", columns=["Date", "Close"])
        closes = dict(table.iter_rows())
        own = frame.filter(pl.col("crypto_type") == coin)
        assert own.height > 800
        for day in (5, 6, 7):
            prices = own.filter(pl.col("purchase_date") == f"{day}/1/2021")["purchase_price"].cast(pl.Float64)
            assert (prices / closes[f"2021-01-0{day}"] - 1).abs().max() < 0.0101, (coin, day)


def prices_in(folder: Path, text: str) -> tuple[Path, ...]:
    for coin in COINS:
        (folder / f"crypto_{coin.lower()}_daily.csv").write_text(text)
    return (folder,)


def test_a_day_without_a_price_has_that_of_the_nearest(tmp_path: Path) -> None:
    folders = prices_in(tmp_path, "Date,Close\n2021-01-10,100\n2021-01-14,900\n2021-01-15,\n")
    frame = simulated(tmp_path, "rows=4000&from=2021-01-01&to=2021-01-30", folders)
    frame = frame.with_columns(price=pl.col("purchase_price").cast(pl.Float64) > 500)
    early = frame["purchase_date"].str.to_date("%-d/%-m/%Y") <= datetime.date(2021, 1, 12)
    assert frame["price"].equals(~early)


def test_without_the_files_prices_walk_and_a_day_keeps_its_price(tmp_path: Path) -> None:
    def mean(query: str) -> float:
        frame = simulated(tmp_path, f"rows=9000&{query}")
        own = frame.filter(crypto_type="BTC", purchase_date="3/2/2021")
        return float(own["purchase_price"].cast(pl.Float64).mean())  # type: ignore[arg-type]

    alone, within = mean("from=2021-02-03&to=2021-02-03"), mean("from=2021-02-01&to=2021-02-05")
    assert abs(alone / within - 1) < 0.002
    assert abs(mean("from=2021-02-03&to=2021-02-03&seed=1") / alone - 1) > 0.05


def test_the_digest_covers_parameters_and_price_files(tmp_path: Path, shared_data: Path) -> None:
    def digest(query: str, *folders: Path) -> str:
        return fingerprint(Source(uri=f"simulate:crypto?{query}"), folders)

    assert digest("rows=10&seed=1") == digest("seed=1&rows=10&to=2021-01-31")
    assert len({digest("seed=1"), digest("seed=2"), digest("rows=9"), digest("bad=1%"), digest("value=yes")}) == 5
    assert digest("seed=1", shared_data) != digest("seed=1")
    before = digest("", *prices_in(tmp_path, "Date,Close\n2021-01-10,100\n"))
    assert digest("", *prices_in(tmp_path, "Date,Close\n2021-01-10,101\n")) != before


def test_it_says_that_it_is_simulated(tmp_path: Path, shared_data: Path) -> None:
    uri = "simulate:crypto?rows=20&bad.duplicate_key=5%"
    walked = read(Source(uri=uri), [tmp_path], tmp_path / "a.parquet")
    assert (walked.source, walked.rows) == (uri, 20)
    assert walked.file == "simulated crypto transactions (seed 0, prices from a random walk)"
    assert "crypto_btc_daily.csv" in read(Source(uri=uri), [shared_data], tmp_path / "b.parquet").file


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("simulate:stocks", r"no simulation 'stocks'[\s\S]*use simulate:crypto"),
        ("simulate:crypto?row=5", r"no parameter 'row' \(did you mean 'rows'\?\)[\s\S]*there are rows, from"),
        ("simulate:crypto?bad.missing_user=5%", "did you mean 'bad.missing_user_id'"),
        ("simulate:crypto?rows=5&rows=6", "rows is given twice"),
        ("simulate:crypto?rows=0", "rows=0: expected a whole number from 1 to 100,000,000"),
        ("simulate:crypto?rows=" + "9" * 5000, "rows=9999"),
        ("simulate:crypto?seed=-1", "seed=-1: expected a whole number"),
        ("simulate:crypto?from=2021-02-31", "from=2021-02-31: "),
        ("simulate:crypto?from=1999-01-01", "expected a day from 2010-01-01 to 2099-12-31"),
        ("simulate:crypto?from=2021-03-02&to=2021-03-01", "from=2021-03-02 is later than to=2021-03-01"),
        ("simulate:crypto?bad=60%", "bad=60%: expected a share from 0% to 50%"),
        ("simulate:crypto?bad=nan", "bad=nan: expected a share"),
        ("simulate:crypto?bad=", "bad=: expected a share"),
        ("simulate:crypto?bad.missing_user_id=40%&bad.repeated_row=20%", "600 of 1,000 rows would be bad"),
        ("simulate:crypto?rows=1&bad.repeated_row=1%", "1 of 1 rows would be bad"),
        ("simulate:crypto?bad=1%&bad.repeated_row=1%", "exclude each other"),
        ("simulate:crypto?bad.mismatched_value=1%", r"needs a value to spoil[\s\S]*add value=yes"),
        ("simulate:crypto?value=true", "value=true: expected yes or no"),
    ],
)
def test_mistakes_in_parameters_are_named(uri: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        fingerprint(Source(uri=uri), [])
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n1,2\n", "is not a file of daily prices"), ("Date,Close\nx,0\n", "has no price above 0")],
)
def test_damaged_price_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=f"crypto_btc_daily.csv {message}"):
        simulated(tmp_path, "rows=10", prices_in(tmp_path, text))


def test_the_pin_is_proven() -> None:
    with pytest.raises(SourceError, match="sha256 expected 000"):
        simulate.fingerprint(Input(uri="simulate:crypto", sha256="0" * 64), [])
