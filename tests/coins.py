"""A small load project, run through the API into DuckDB."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from torneo.api import Project
from torneo.runtime import Runtime
from torneo.spec.load import load
from torneo.spec.load_records import LoadReport
from torneo.spec.settings import Settings

DAY = datetime.date(2026, 1, 5)
HEADER = "site,day,price,units"
SPEC = """
project: coins
source: {uri: coins.csv}
contract:
  max_rejected: 40%
  key: [site, day]
  columns:
    site: {type: category, values: [AR, BR, MX], reasons: {values: invalid_site, missing: invalid_site}}
    day: {type: date, format: "%d/%m/%Y"}
    price: {type: decimal, precision: 18, scale: 4, min: 0}
    units: {type: decimal, precision: 18, scale: 8, above: 0}
    value: {type: decimal, precision: 28, scale: 8, compute: "round(price * units, 8)"}
load: {to: prod.coins, window: {column: day, days: 5}, missing: deactivate}
"""


@dataclass(frozen=True)
class Coins:
    """A load project in a folder, with a warehouse of its own."""

    folder: Path

    def write(self, *rows: str, header: str = HEADER, spec: str = SPEC) -> None:
        """Replace the source's rows and the declaration."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "coins.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        (self.folder / "project.yaml").write_text(spec, encoding="utf-8")

    @property
    def project(self) -> Project:
        """The project as it is declared now."""
        settings = Settings(home=self.folder / "home")
        return Project(load(self.folder / "project.yaml"), self.folder, Runtime(settings))

    def run(self, date: datetime.date | None = DAY, **dates: datetime.date) -> LoadReport:
        """Bring it up to date."""
        return LoadReport.model_validate(self.project.run(date=date, **dates).results["report"])

    def table(self, name: str) -> pl.DataFrame:
        """A table of the warehouse."""
        return self.project.runtime.warehouse.read(name)

    def prod(self) -> set[tuple[Any, ...]]:
        """What others read."""
        return set(self.table("prod.coins").select("site", "day", "value", "is_active").rows())

    def active(self) -> set[str]:
        """The sites that have an active row."""
        return {site for site, _, _, active in self.prod() if active}

    def refused(self) -> list[tuple[str, str, list[str]]]:
        """Site, day and reasons of what the warehouse has as refused, in the order of the source."""
        rows = self.table("dqm.coins_rejects").sort("source_line").select("site", "day", "reasons").rows()
        return [(site, day, json.loads(reasons)) for site, day, reasons in rows]

    def runs(self) -> Mapping[str, Mapping[str, Any]]:
        """The details of runs by their status."""
        return {row["status"]: json.loads(row["details"]) for row in self.table("dqm.dq_runs").to_dicts()}
