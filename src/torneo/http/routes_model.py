"""Who answers, and what a row looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter

from torneo.errors import UnavailableError
from torneo.http.asked import Predicts, Reads
from torneo.http.problems import Problem
from torneo.http.row_schema import row_schema
from torneo.serving.endpoint import Endpoint, Lineup
from torneo.serving.model import Model
from torneo.spec.frozen import Frozen

router = APIRouter()


class Part(Frozen):
    """A version that takes part."""

    version: int
    digest: str
    challenger: str
    role: str
    share: float
    """The share of the subjects that it answers; a shadow answers none."""


class ModelCard(Frozen):
    """The champion, what it was made of, and who takes part beside it."""

    project: str
    task: str
    target: str
    classes: Sequence[str]
    version: int
    digest: str
    """Of the bundle: sha256 over all its files."""
    challenger: str
    """The recipe that it was trained by."""
    family: str
    metrics: Mapping[str, float | None]
    """On the judge's rows."""
    features: Sequence[str]
    """What the model reads."""
    trained_rows: int | None
    interval: float | None
    """The share of outcomes that intervals should contain."""
    lineage: Mapping[str, Any]
    """The digests of what it was made from."""
    lineup: Sequence[Part]
    trouble: str | None
    """Why this may be older than it should be."""


def ready_lineup(endpoint: Endpoint) -> Lineup:
    """Who answers.

    Raises:
        Problem: nobody yet.
    """
    try:
        return endpoint.ready
    except UnavailableError as error:
        raise Problem(503, error.message, headers={"Retry-After": "1"}) from None


@router.get("/v1/{project}/model", tags=["model"])
@router.get("/model", tags=["model"])
@router.get("/model/info", tags=["model"])
async def model(asked: Reads) -> ModelCard:
    """The champion: version, metrics, features, lineage; and the line-up with its shares."""
    endpoint = asked.endpoint
    lineup = ready_lineup(endpoint)
    champion, info = lineup.champion, lineup.champion.scorer.info
    return ModelCard(
        project=endpoint.name,
        task=info["task"],
        target=info["target"],
        classes=info["classes"],
        version=champion.version,
        digest=champion.digest,
        challenger=champion.challenger,
        family=info["family"],
        metrics=info["metrics"],
        features=[feature["name"] for feature in info["features"]],
        trained_rows=next((column["rows"] for column in info["baseline"].values()), None),
        interval=info["interval"].get("share"),
        lineage=info["lineage"],
        lineup=_parts(lineup),
        trouble=endpoint.trouble,
    )


@router.get("/v1/{project}/schema", tags=["model"])
@router.get("/schema", tags=["model"])
async def schema(asked: Predicts) -> dict[str, Any]:
    """A row, as JSON Schema (draft 2020-12): types, ranges, units and help of the contract."""
    endpoint = asked.endpoint
    made = row_schema(ready_lineup(endpoint).champion, strict=endpoint.project.serve.out_of_range == "refuse")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"A row of {endpoint.name}", **made}


def _parts(lineup: Lineup) -> Sequence[Part]:
    share = lineup.share if lineup.challenger is not None else 0.0
    taking: tuple[tuple[Model | None, str, float], ...] = (
        (lineup.champion, "champion", 1 - share),
        (lineup.challenger, "challenger", share),
        (lineup.shadow, "shadow", 0.0),
    )
    return [
        Part(version=model.version, digest=model.digest, challenger=model.challenger, role=role, share=part)
        for model, role, part in taking
        if model is not None
    ]
