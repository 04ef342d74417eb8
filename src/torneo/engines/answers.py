"""Answers to typed rows, by column for a file and by line for the log: the same as a served model gives them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from pydantic_core import to_json

from torneo.bundle.scorer import Floats
from torneo.ports import Prediction
from torneo.serving.endpoint import Call
from torneo.serving.model import Model
from torneo.serving.privacy import Privacy
from torneo.spec.columns import TEMPORAL, Column

ID, WARNINGS = "prediction_id", "warnings"


def answer_columns(model: Model, *, ids: bool, warnings: bool) -> pl.Schema:
    """The columns of the answers, in their order."""
    kinds = {bool: pl.Boolean(), int: pl.Int64(), float: pl.Float64()}
    types = {type(each) for each in model.classes}
    label = kinds.get(next(iter(types)), pl.String()) if len(types) == 1 else pl.String()
    names = model.scorer.info["classes"]
    columns: dict[str, pl.DataType] = {ID: pl.String()} if ids else {}
    columns["prediction"] = label if names else pl.Float64()
    columns |= {f"probability_{name}": pl.Float64() for name in names}
    if model.half_width is not None:
        columns |= {"interval_low": pl.Float64(), "interval_high": pl.Float64()}
    return pl.Schema(columns | ({WARNINGS: pl.String()} if warnings else {}))


def score(model: Model, typed: pl.DataFrame) -> Floats:
    """The scores of rows in the contract's types."""
    columns: dict[str, Any] = {
        name: typed[name].to_list() if typed.schema[name] == pl.String else typed[name] for name in typed.columns
    }
    return model.scorer.score(columns)


def answer_table(
    model: Model, schema: pl.Schema, scores: Floats, ids: Sequence[str], warnings: pl.Series
) -> pl.DataFrame:
    """The answers that scores stand for, as `answer_columns` has them."""
    table = {**model.table(scores), ID: ids, WARNINGS: warnings}
    return pl.DataFrame([pl.Series(name, table[name], dtype=kind, strict=False) for name, kind in schema.items()])


def log_lines(
    model: Model,
    privacy: Privacy,
    call: Call,
    typed: pl.DataFrame,
    scores: Floats,
    ids: Sequence[str],
    times: Sequence[int],
    warnings: pl.Series,
) -> list[Prediction]:
    """What the log has of answered rows: the same as of rows that were sent to the server.

    The times are those that the ids were made of, in microseconds since 1970 in UTC: who asks for the lines from a
    printed moment on gets the line of this moment.
    """
    latency = (time.perf_counter_ns() - call.started) // 1000
    lines = []
    rows = as_sent(model.contract, typed).to_dicts()
    for id_, at, row, answer, let_pass in zip(ids, times, rows, model.written(scores), warnings, strict=True):
        sent = {name: value for name, value in row.items() if value is not None}
        told = answer if let_pass is None else {**answer, WARNINGS: [{"reason": each} for each in let_pass.split(";")]}
        inputs, output = to_json(privacy.kept(sent)).decode(), to_json(told).decode()
        entity = privacy.entity(sent)
        lines.append(
            Prediction(
                id_,
                privacy.project,
                at,
                call.request,
                call.key,
                model.version,
                "champion",
                inputs,
                output,
                latency,
                entity,
            )
        )
    return lines


def as_sent(contract: Mapping[str, Column], typed: pl.DataFrame) -> pl.DataFrame:
    """Rows as a request has them: dates as the contract writes them."""
    formats = {name: column.format for name, column in contract.items() if column.type in TEMPORAL}
    return typed.with_columns(
        pl.col(name).dt.strftime(form.replace(".%f", "%.f"))
        for name, form in formats.items()
        if form is not None and name in typed.columns
    )
