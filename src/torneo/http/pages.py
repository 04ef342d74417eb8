"""The description and the page that shows it, which loads nothing from elsewhere."""

from __future__ import annotations

import base64
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from torneo.http.asked import Knows, service_of
from torneo.http.openapi import Description

PAGE = Path(__file__).with_name("docs.html")

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request, known: Knows) -> Response:
    """The description of the projects that the key is good for: it has names, ranges and examples of their data."""
    service = service_of(request)
    description: Description = request.app.state.description
    text = description.text(known, alone=len(service.endpoints) == 1, locked=service.keyring is not None)
    return Response(text, media_type="application/json")


@router.get("/")
async def root() -> RedirectResponse:
    """Who comes without a path is shown what there is."""
    return RedirectResponse("docs", 307)


@router.get("/docs")
@router.get("/redoc")
async def docs() -> HTMLResponse:
    """The page; it asks for the description with the reader's key."""
    page, policy = _page()
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


@cache
def _page() -> tuple[str, str]:
    """The page, and the policy that lets it run its own script and nothing else."""
    page = PAGE.read_text(encoding="utf-8")

    def allowed(tag: str) -> str:
        parts: list[Any] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        return " ".join(f"'sha256-{base64.b64encode(sha256(part.encode()).digest()).decode()}'" for part in parts)

    policy = f"default-src 'none'; script-src {allowed('script')}; style-src {allowed('style')}; connect-src 'self'"
    return page, f"{policy}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
