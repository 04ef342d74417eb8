"""`/invocations`, as `mlflow models serve` and SageMaker have it: answers are those of the registered MLflow model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from torneo.http.apart import apart, few_parts
from torneo.http.asked import Asked, Predicts, media_type
from torneo.http.described import IDEMPOTENT, body
from torneo.http.oip import predicted
from torneo.http.problems import Problem
from torneo.http.routes_model import ready_lineup
from torneo.http.sent import parsed
from torneo.http.tables import Table, csv_table, json_table
from torneo.serving.model import Model
from torneo.spec.columns import canonical_text
from torneo.spec.frozen import Frozen

TABLE = {**body("Invocation", "text/csv"), **IDEMPOTENT}

router = APIRouter(tags=["scoring"])


class Scored(Frozen):
    """The answers, row by row."""

    predictions: Sequence[Mapping[str, Any]]
    """`prediction`, and `probability_<class>` for a classification."""
    prediction_ids: Sequence[str]
    """The ids that outcomes are reported with."""
    warnings: Sequence[Sequence[Mapping[str, str]]] | None = None
    """By row the values out of range that were let pass; absent if there are none."""


@router.post("/v1/{project}/invocations", openapi_extra=TABLE, response_model=Scored)
@router.post("/invocations", openapi_extra=TABLE, response_model=Scored)
async def invocations(asked: Predicts, request: Request) -> Response:
    """Predict a table: JSON with `dataframe_split`, `dataframe_records`, `instances` or `inputs`, or CSV.

    Where values out of range are let pass, `warnings` says which, row by row. With an `Idempotency-Key`, the same
    request sent again gets the same answer and is logged once.
    """
    model = ready_lineup(asked.endpoint).champion
    kind = media_type(request)
    if kind not in ("application/json", "text/csv"):
        raise Problem(415, "the body must be JSON (application/json) or CSV (text/csv), as Content-Type must say")
    sent = await request.body()
    table = await apart(len(sent), lambda: _table(asked, sent, kind, model))
    return await predicted(asked, asked.endpoint, table.rows, table.place, _scored)


def _scored(answers: Sequence[Mapping[str, Any]]) -> Scored:
    warnings = [answer.get("warnings", ()) for answer in answers]
    return Scored(
        predictions=[_record(answer) for answer in answers],
        prediction_ids=[answer["prediction_id"] for answer in answers],
        warnings=warnings if any(warnings) else None,
    )


def _record(answer: Mapping[str, Any]) -> dict[str, Any]:
    probabilities = answer.get("probabilities")
    if probabilities is None:
        return {"prediction": answer["prediction"]}
    named = {f"probability_{name}": value for name, value in probabilities.items()}
    return {"prediction": canonical_text(answer["prediction"]), **named}


def _table(asked: Asked, sent: bytes, kind: str, model: Model) -> Table:
    most = asked.service.settings.max_rows
    if kind == "text/csv":
        nulls = asked.endpoint.project.source.nulls
        table = csv_table(sent, model.contract, most, partial(asked.service.texts, model.contract, nulls))
    else:
        few_parts(sent, most, len(model.contract))
        # MLflow's own client writes NaN for what a frame does not have, which JSON has no word for.
        table = json_table(parsed(sent, nan=True), model.read, most)
    if not table.rows:
        raise Problem(422, "the body has no rows")
    return table
