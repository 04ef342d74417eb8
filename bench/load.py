"""A load into PostgreSQL against a bare COPY of the same rows, and against pandas + Great Expectations + to_sql.

    python bench/load.py [--rows 1000000 --rows 5000000] [--pandas 100000]

Simulated transactions of one month, 3 % of them bad, read from a Parquet file. `torneo run` is a process of its own,
timed from its start to its end: gate, quarantine, raw, staging, rejects, upsert, report. COPY gets the accepted rows,
already typed and written as text, as they came or sorted by the key; its time is that of the server. The pandas way
reads the same file, validates the rules with Great Expectations and writes the good rows with to_sql; it is linear, and
so tried on fewer rows.
All write into one server with its default settings.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from postgres import Server, running_server  # noqa: E402 - a script has no other way to the tests' helpers

COLUMNS = {
    "site_id": "text", "user_id": "text", "purchase_date": "date", "crypto_type": "text",
    "purchase_price": "numeric(18, 4)", "purchase_units": "numeric(18, 8)", "purchase_value": "numeric(28, 8)",
}  # fmt: skip
KEY_COLUMNS = ["site_id", "user_id", "purchase_date", "crypto_type"]
KEY = f"PRIMARY KEY ({', '.join(KEY_COLUMNS)})"
TYPED = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
LIKE_PROD = "LIKE prod.bt_crypto_events_simulated INCLUDING ALL"
UPSERT = """INSERT INTO pandas_prod SELECT site_id, user_id, purchase_date::date, crypto_type, purchase_price,
    purchase_units, purchase_value FROM pandas_staging
    ON CONFLICT (site_id, user_id, purchase_date, crypto_type) DO UPDATE SET purchase_price = excluded.purchase_price,
    purchase_units = excluded.purchase_units, purchase_value = excluded.purchase_value"""
PIECE = 1 << 20


@dataclass(frozen=True)
class Measured:
    """One line of the table."""

    what: str
    rows: int
    seconds: float
    mebibytes: float | None = None

    @property
    def speed(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def project(folder: Path, rows: int) -> None:
    """The load of projects/crypto_simulated on a file of so many rows, all of January in its window."""
    import polars as pl

    from torneo.sources import simulate
    from torneo.spec.records import LINE
    from torneo.spec.source import Input

    folder.mkdir(parents=True)
    uri = f"simulate:crypto?rows={rows}&seed=7&bad=3%&value=yes"
    simulate.extract(Input(uri=uri), [], folder / "numbered.parquet")
    pl.scan_parquet(folder / "numbered.parquet").drop(LINE).sink_parquet(folder / "rows.parquet")
    (folder / "numbered.parquet").unlink()
    text = (ROOT / "projects" / "crypto_simulated" / "project.yaml").read_text(encoding="utf-8")
    lines = ["source: {uri: rows.parquet}" if line.startswith("source:") else line for line in text.splitlines()]
    (folder / "project.yaml").write_text("\n".join(lines).replace("days: 5d", "days: 31d"), encoding="utf-8")


def load(folder: Path, url: str, date: str, what: str) -> tuple[Measured, Any]:
    """`torneo run` as a process of its own."""
    environment = {**os.environ, "TORNEO_HOME": str(folder / "home"), "TORNEO_WAREHOUSE": url}
    command = [sys.executable, "-m", "torneo", "run", str(folder), "--date", date, "--json"]
    started, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.PIPE) as process:
            while process.poll() is None:
                peak = max(peak, peak_memory(process.pid))
                time.sleep(0.02)
            seconds = time.perf_counter() - started
            if process.returncode:
                assert process.stderr is not None
                raise RuntimeError(process.stderr.read().decode()[-2000:])
        output.seek(0)
        report = json.load(output)[0]
    return Measured(what, report["results"]["report"]["rows"], seconds, peak), report


def peak_memory(process: int) -> float:
    """The most memory a process has had, in MiB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(status.split("VmHWM:")[1].split()[0]) / 1024 if "VmHWM:" in status else 0.0


def copies(folder: Path, url: str) -> Iterator[Measured]:
    """COPY of the accepted rows into tables of all kinds."""
    import polars as pl

    (file,) = (folder / "home" / "objects").rglob("accepted/*.parquet")
    came = pl.read_parquet(file, columns=list(COLUMNS))
    ordered = came.sort(KEY_COLUMNS)
    moment = pl.lit("2021-01-31 00:00:00+00")
    ours = (pl.lit(value=True).alias("is_active"), moment.alias("created_at"), moment.alias("updated_at"))
    yield copy(url, came, TYPED, "COPY, no key, rows as they came")
    yield copy(url, came, f"{TYPED}, {KEY}", "COPY, with the primary key, rows as they came")
    yield copy(url, ordered, f"{TYPED}, {KEY}", "COPY, with the primary key, rows sorted by it")
    yield copy(url, came.with_columns(ours), LIKE_PROD, "COPY, a table as production's, rows as they came")
    yield copy(url, ordered.with_columns(ours), LIKE_PROD, "COPY, a table as production's, rows sorted")


def copy(url: str, rows: pl.DataFrame, definition: str, what: str) -> Measured:
    """COPY of rows, as text from memory, into an empty table."""
    text = io.BytesIO()
    rows.write_csv(text, include_header=False, separator="\t", quote_style="never", null_value="\\N")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute(f"CREATE TABLE bare ({definition})".encode())
        connection.execute("CHECKPOINT")
        whole, started = text.getbuffer(), time.perf_counter()
        with connection.cursor().copy("COPY bare FROM STDIN") as into:
            for start in range(0, len(whole), PIECE):
                into.write(whole[start : start + PIECE])
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE bare")
    return Measured(what, len(rows), seconds)


def pandas_way(folder: Path, url: str, *, tables: bool) -> Measured:
    """Read, validate the rules, keep what is good, write; in this process.

    With `tables`, it writes what Torneo writes (raw, rejects, staging, an upsert); without, it appends to a table.
    """
    import pandas as pd
    import sqlalchemy as sa

    batches, suite = _expectations()
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE IF NOT EXISTS pandas_prod ({TYPED}, {KEY})"))
    started = time.perf_counter()
    raw = pd.read_parquet(folder / "rows.parquet")
    frame = raw.replace("", None)
    frame["purchase_date"] = pd.to_datetime(frame["purchase_date"], format="%d/%m/%Y", errors="coerce")
    for name in ("purchase_price", "purchase_units", "purchase_value"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    assert not batches.get_batch({"dataframe": frame}).validate(suite, result_format="COMPLETE").success
    good = _good(frame)
    if tables:
        raw.to_sql("pandas_raw", engine, if_exists="replace", index=False)
        raw[~good].to_sql("pandas_rejects", engine, if_exists="replace", index=False)
    frame[good].to_sql("pandas_staging", engine, if_exists="replace", index=False)
    if tables:
        with engine.begin() as connection:
            connection.execute(sa.text(UPSERT))
    seconds = time.perf_counter() - started
    engine.dispose()
    what = "the same tables and an upsert" if tables else "append of good rows only"
    return Measured(f"pandas + Great Expectations + to_sql, {what}", len(frame), seconds)


def _expectations() -> tuple[Any, Any]:
    """Where a frame is given to Great Expectations, and the suite."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    kinds = gx.expectations
    rules = [
        kinds.ExpectColumnValuesToNotBeNull(column="user_id"),
        kinds.ExpectColumnValuesToNotBeNull(column="purchase_date"),
        kinds.ExpectColumnValuesToBeInSet(column="site_id", value_set=["ARGENTINA", "BRASIL", "MEXICO"]),
        kinds.ExpectColumnValuesToBeInSet(column="crypto_type", value_set=["BTC", "ETH", "USDC"]),
        kinds.ExpectColumnValuesToBeBetween(column="purchase_price", min_value=0),
        kinds.ExpectColumnValuesToBeBetween(column="purchase_units", min_value=0, strict_min=True),
        kinds.ExpectCompoundColumnsToBeUnique(column_list=["site_id", "user_id", "purchase_date", "crypto_type"]),
    ]
    suite = context.suites.add(gx.ExpectationSuite(name="bench", expectations=rules))
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("all"), suite


def _good(frame: Any) -> Any:
    """The rows that break no rule."""
    value = (frame["purchase_price"] * frame["purchase_units"]).round(8)
    key = frame[["site_id", "user_id", "purchase_date", "crypto_type"]]
    return (
        key.notna().all(axis=1)
        & frame["site_id"].isin(["ARGENTINA", "BRASIL", "MEXICO"])
        & frame["crypto_type"].isin(["BTC", "ETH", "USDC"])
        & (frame["purchase_price"] >= 0)
        & (frame["purchase_units"] > 0)
        & ((frame["purchase_value"] - value).abs() < 1e-6)
        & ~key.duplicated(keep=False)
    )


def measured(server: Server, rows: int) -> Iterator[Measured]:
    """Torneo and COPY on so many rows, in a database of their own."""
    url = new_database(server, f"bench_{rows}")
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder) / "load", rows)
        first, report = load(Path(folder) / "load", url, "2021-01-31", "torneo run, into empty tables")
        yield first
        seconds = {step["name"]: round(step["seconds"], 1) for step in report["steps"]}
        sys.stderr.write(f"{rows:,} rows: {seconds}\n")
        yield from copies(Path(folder) / "load", url)
        again, report = load(Path(folder) / "load", url, "2021-02-01", "torneo run, the next day, rows unchanged")
        yield again
        seconds = {step["name"]: round(step["seconds"], 1) for step in report["steps"]}
        sys.stderr.write(f"{rows:,} rows again: {seconds}\n")


def new_database(server: Server, name: str) -> str:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.url(name)


def lines(arguments: argparse.Namespace) -> Iterator[tuple[int, Measured]]:
    """What is measured, with the size of its block."""
    with running_server() as server:
        for rows in arguments.rows:
            for one in measured(server, rows):
                yield rows, one
        if arguments.pandas:
            with tempfile.TemporaryDirectory() as folder:
                project(Path(folder) / "load", arguments.pandas)
                url = new_database(server, "bench_pandas")
                for tables in (False, True):
                    yield arguments.pandas, pandas_way(Path(folder) / "load", url, tables=tables)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--pandas", type=int, default=100_000)
    arguments = parser.parse_args()
    arguments.rows = arguments.rows or [1_000_000, 5_000_000]
    warnings.simplefilter("ignore")
    table = Table("rows", "what", "seconds", "rows/s", "torneo's first run", "peak memory", title="Load")
    torneo = 0.0
    for rows, one in lines(arguments):
        torneo = one.speed if one.what == "torneo run, into empty tables" else torneo
        memory = "" if one.mebibytes is None else f"{one.mebibytes:,.0f} MiB"
        ratio = f"{torneo / one.speed:.2f}"
        table.add_row(f"{rows:,}", one.what, f"{one.seconds:.1f}", f"{one.speed:,.0f}", ratio, memory)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
