"""A CSV file that gets rows as they are played, so that the next training learns from them."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from torneo.engines.answers import as_sent
from torneo.errors import ConflictError, SourceError
from torneo.spec.project import Project


@dataclass(frozen=True)
class Growing:
    """The file, and which column of the contract each of its columns is; None where it is none."""

    project: Project
    file: Path
    columns: Mapping[str, str | None]

    @classmethod
    def of(cls, project: Project, file: Path) -> Growing:
        """Read the file's column names; it is written as the project's source is.

        Raises:
            SourceError: there is no such file.
            ConflictError: it is no CSV file, or lacks a column of the contract.
        """
        source = project.source
        if file.suffix.lower() != ".csv":
            raise ConflictError(f"{file} cannot grow: rows are added to CSV files only", fix="write the source as CSV")
        try:
            with file.open(encoding=_encoding(source.encoding), newline="") as lines:
                for _ in range(source.header_line - 1):
                    next(lines, None)
                headers = next(csv.reader(lines, delimiter=source.delimiter), [])
        except (OSError, UnicodeError) as error:
            raise SourceError(f"{file} cannot be read: {error}", fix="name the project's own CSV file") from None
        named = {column.header or name: name for name, column in project.contract.columns.items()}
        lacking = [header for header in named if header not in headers]
        if lacking:
            raise ConflictError(
                f"{file} lacks the column {lacking[0]!r} of the contract: it is not the source of {project.project}",
                fix="name the project's own CSV file",
            )
        return cls(project, file, {header: named.get(header) for header in headers})

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows in the contract's types at the end; columns that the contract does not know stay empty."""
        source = self.project.source
        sent = as_sent(self.project.contract.columns, frame)
        table = sent.select(
            (pl.lit(None, pl.String) if name is None else pl.col(name)).alias(header)
            for header, name in self.columns.items()
        )
        text = table.write_csv(include_header=False, separator=source.delimiter, decimal_comma=source.decimal == ",")
        with self.file.open("rb+") as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - 1))
            begun = "" if file.read(1) in (b"\n", b"") else "\n"
            file.write((begun + text).encode(_encoding(source.encoding).removesuffix("-sig")))


def _encoding(name: str) -> str:
    """The source's, with a byte order mark understood."""
    return "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name
