"""The text of project.yaml: short, commented, and quoted right."""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from torneo.draft.guess import Guess
from torneo.draft.table import TextTable
from torneo.draft.target import Target
from torneo.spec.source import NULLS

WIDE = 72
PREPARE = "{numeric: [impute: median, scale: standard], categorical: [impute: most_frequent, encode: onehot]}"


@dataclass(frozen=True)
class Plan:
    """All that the text is written from."""

    project: str
    uri: str
    table: TextTable
    decimal: str
    nulls: tuple[str, ...]
    columns: Mapping[str, Guess]
    target: Target
    key: str | None
    split: Mapping[str, object]
    split_why: str
    notes: Sequence[str]


def scalar(value: object) -> str:
    """A value as YAML, quoted where it must be.

    >>> [scalar(value) for value in ("Age", "Net: price", "DíaDeLaSemana", "No", "05", 0, "a, b", True)]
    ['Age', "'Net: price'", 'DíaDeLaSemana', "'No'", "'05'", '0', "'a, b'", 'true']
    """
    text = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=10**9).strip()
    return text[1:-1]


def slug(name: str) -> str:
    """A project's name from a file's.

    >>> slug("Ventas 2022 (año).final.csv"), slug("2020.csv")
    ('ventas-2022-ano-final', 'project-2020')
    """
    stem = re.sub(r"(\.(csv|tsv|txt|data|parquet|pq|jsonl|ndjson|gz|zst|bz2|xz))+$", "", name.lower())
    ascii_only = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9_]+", "-", ascii_only).strip("-_")
    if not words[:1].isalpha():
        words = f"project-{words}".strip("-")
    return words[:63].rstrip("-_")


def write(plan: Plan) -> str:
    """The text."""
    target = plan.target
    head = [
        f"# Drafted by `torneo init` from {plan.table.rows:,} rows of {_one_line(plan.uri)}.",
        "# It is yours: read it, change it. `torneo check` looks for mistakes in it, `torneo run` finds the champion.",
        *(f"# - {line}" for line in map(_one_line, plan.notes)),
        "",
    ]
    top: list[tuple[str, object, str]] = [
        ("project", plan.project, ""),
        ("task", target.task, ""),
        ("target", target.column.name, "the column to predict"),
    ]
    if target.positive is not None:
        top.append(("positive", target.positive, "the class that probabilities are about"))
    body = [
        *(_commented(f"{key}: {scalar(value)}", why, 0) for key, value, why in top),
        _source(plan),
        "contract:",
        _commented(
            f"  key: [{scalar(plan.key) if plan.key else ''}]",
            "no two rows may share it" if plan.key else "columns that identify a row, if there are any",
            0,
        ),
        "  columns:",
        *_columns(plan.columns),
        _commented("  max_rejected: 5%", "the run stops if the gate refuses more", 0),
        _commented(f"prepare: {PREPARE}", "fitted on training rows only", 0),
        _commented(f"split: {_flow(plan.split)}", plan.split_why, 0),
        _commented("challengers: auto", "a simple model, a forest and a boosting; name your own to change that", 0),
        _commented(f"judge: {_flow({'metric': target.metric, 'confidence': '95%'})}", "who becomes champion", 0),
    ]
    return "\n".join([*head, *body]) + "\n"


def _source(plan: Plan) -> str:
    table = plan.table
    given: dict[str, object] = {"uri": plan.uri}
    if table.format != "csv" or not re.search(r"\.(csv|tsv|txt|data)(\.(gz|zst|bz2|xz))?$", plan.uri.lower()):
        given["format"] = table.format
    if table.format == "csv":
        defaults = {"delimiter": ",", "encoding": "utf-8", "decimal": ".", "header_line": 1}
        seen = {
            "delimiter": table.delimiter,
            "encoding": table.encoding,
            "decimal": plan.decimal,
            "header_line": table.header_line,
        }
        given |= {key: value for key, value in seen.items() if value != defaults[key]}
    if plan.nulls:
        given["nulls"] = [*NULLS, *plan.nulls]
    if not plan.target.incomplete:
        return f"source: {_flow(given)}"
    name = plan.target.column.name
    simple = name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and name != "col"
    missing = name if simple else f"col[{json.dumps(name, ensure_ascii=False)}]"
    given["where"] = f"not is_missing({missing})"
    lines = [f"  {key}: {_value(value)}" for key, value in given.items()]
    lines[-1] = _commented(lines[-1], "rows without an outcome cannot teach", 0)
    return "\n".join(["source:", *lines])


def _columns(columns: Mapping[str, Guess]) -> list[str]:
    lines = [f"    {scalar(name)}: {_flow(_declared(column))}" for name, column in columns.items()]
    width = min(max(map(len, lines)), WIDE)
    return [_commented(line, column.remark, width) for line, column in zip(lines, columns.values(), strict=True)]


def _declared(column: Guess) -> dict[str, object]:
    given: dict[str, object] = {"type": column.type}
    if column.header is not None:
        given["header"] = column.header
    if column.values is not None:
        given["values"] = list(column.values)
    if column.format is not None:
        given["format"] = column.format
    if column.min is not None:
        given["min"] = column.min
    if column.nullable:
        given["nullable"] = True
    if not column.feature:
        given["feature"] = False
    return given


def _flow(values: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in values.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(scalar, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"\d+%", value):
        return value
    return scalar(value)


def _commented(line: str, comment: str, width: int) -> str:
    comment = _one_line(comment)
    return f"{line.ljust(width)}  # {comment}" if comment else line


def _one_line(text: str) -> str:
    """Text that cannot end a comment early."""
    return "".join(c if c.isprintable() else " " for c in text).strip()
