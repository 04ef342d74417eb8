"""A load project in a folder of the test, run through the real command line into DuckDB or PostgreSQL."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from torneo import cli
from torneo.spec.settings import settings

ROOT = Path(__file__).resolve().parents[2]
HEADER = "site_id,user_id,purchase_date,crypto_type,purchase_price,purchase_units"
CONTENT = """SELECT site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units, purchase_value,
    is_active
    FROM prod.bt_crypto_events"""
REFUSED = """SELECT source_line, site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units,
    CAST(reasons AS text) FROM dqm.bt_crypto_events_rejects"""
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Load:
    """The project crypto_events with rows of the test's own in rows.csv."""

    folder: Path
    warehouse: str

    @classmethod
    def make(
        cls, folder: Path, warehouse: str, *, source: str = "rows.csv", changes: Sequence[tuple[str, str]] = ()
    ) -> Load:
        """Copy the project into a folder, where most rows may be bad."""
        text = (ROOT / "projects" / "crypto_events" / "project.yaml").read_text(encoding="utf-8")
        uri = "bt_crypto_transaction_history_seed.csv"
        for before, after in (
            (f"uri: {uri}", f'uri: "{source}"'),
            ("max_rejected: 20%", "max_rejected: 70%"),
            ("  expectations: 10000\n", ""),  # tests/unit/test_loads.py asks for them
            *changes,
        ):
            assert before in text, before
            text = text.replace(before, after)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "project.yaml").write_text(text, encoding="utf-8")
        return cls(folder, warehouse)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of its runs."""
        home = self.folder / "home"
        return {"TORNEO_HOME": str(home), "TORNEO_WAREHOUSE": self.warehouse, "TORNEO_USER": "tester"}

    def write(self, *rows: str) -> None:
        """Replace the rows of the source; fields are separated by spaces, `-` is an empty one."""
        lines = [",".join("" if field == "-" else field for field in row.split()) for row in rows]
        (self.folder / "rows.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")

    def forget(self) -> None:
        """Leave what the warehouse has, but nothing that this machine knows of it."""
        shutil.rmtree(self.folder / "home")

    def torneo(self, *arguments: str) -> Ran:
        """A command of this process's command line."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["torneo", *arguments])
            settings.cache_clear()
            try:
                cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                settings.cache_clear()
        return Ran(code, out.getvalue(), err.getvalue())

    def run(self, date: str, *arguments: str) -> Ran:
        """`torneo run` for a date, however it ends."""
        return self.torneo("run", str(self.folder), "--date", date, "--json", *arguments)

    def done(self, date: str) -> dict[str, Any]:
        """The report of `torneo run` for a date, which must succeed."""
        return self.succeeded(self.run(date))

    def done_for(self, first: str, last: str) -> dict[str, Any]:
        """The report of `torneo run` for a range of days, which must succeed."""
        return self.succeeded(self.torneo("run", str(self.folder), "--from", first, "--to", last, "--json"))

    @staticmethod
    def succeeded(ran: Ran) -> dict[str, Any]:
        """The first report of a command that must have succeeded."""
        assert ran.code == 0, ran.err
        report: dict[str, Any] = json.loads(ran.out)[0]
        return report

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`torneo run` as a process of its own."""
        command = [sys.executable, "-m", "torneo", "run", str(self.folder), "--json", *arguments]
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT / "src")}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def query(self, statement: str) -> list[Row]:
        """The rows of a query, read with the database's own driver."""
        if self.warehouse.startswith("postgresql://"):
            with psycopg.connect(self.warehouse) as connection:
                return connection.execute(statement.encode()).fetchall()
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            found: list[Row] = connection.execute(statement).fetchall()
            return found

    @property
    def prod(self) -> list[Row]:
        """Key, price, units, value and whether it is active, in the key's order."""
        return sorted(self.query(CONTENT))

    @property
    def rejects(self) -> list[Row]:
        """Line, raw fields and reasons."""
        return sorted((*row[:-1], tuple(json.loads(row[-1]))) for row in self.query(REFUSED))

    @property
    def active(self) -> set[str]:
        """The users of active rows."""
        return {row[1] for row in self.prod if row[-1]}
