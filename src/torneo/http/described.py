"""How routes say in OpenAPI what a contract decides: by names that `openapi` replaces for each project."""

from __future__ import annotations

from typing import Any

OWN = ("Row", "Rows", "Answers", "Outcomes", "InferRequest", "Invocation")
"""Schemas that each project has its own of: `housing.Row`."""


def ref(name: str) -> dict[str, str]:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(schema: Any, media: str = "application/json") -> dict[str, Any]:
    """A body of one media type."""
    return {media: {"schema": schema}}


def body(name: str, *more: str) -> dict[str, Any]:
    """A request's body: JSON of a project's own schema, or a text of another media type."""
    texts = {media: {"schema": {"type": "string"}} for media in more}
    return {"requestBody": {"required": True, "content": {**content(ref(name)), **texts}}}


def header(name: str, words: str, **limits: Any) -> dict[str, Any]:
    """A header that a request may have."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": words,
        "schema": {"type": "string", **limits},
    }


IDEMPOTENT = {
    "parameters": [header("Idempotency-Key", "Makes a request safe to repeat.", maxLength=255, pattern="^[ -~]+$")]
}
