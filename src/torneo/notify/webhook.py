"""Messages by HTTP POST: signed JSON for programs, text for Slack and what understands the same."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Mapping
from hashlib import sha256

from pydantic_core import to_json

from torneo.errors import UnavailableError
from torneo.spec.settings import expand
from torneo.watchdog.desk import Message

SECONDS = 10.0
"""So long the other side may take from the first step to its status, however slowly it answers."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What proves that who has the secret sent this body then: refuse a timestamp that is minutes old.

    >>> signature("key", "1700000000", b"{}")[:23]
    'sha256=9d713ed406bb7076'
    """
    return f"sha256={hmac.digest(secret.encode(), timestamp.encode() + b'.' + body, sha256).hex()}"


def post_webhook(url: str, secret: str | None, message: Message) -> None:
    """Post a message as JSON. The id is the same when it is sent again, so that the other side can tell.

    Raises:
        UnavailableError: the other side did not take it.
        SourceError: a variable is not set.
    """
    body = to_json({**message.model_dump(mode="json"), "title": message.title})
    timestamp = str(int(time.time()))
    headers = {"X-Torneo-Event": message.id, "X-Torneo-Timestamp": timestamp}
    if secret is not None:
        headers["X-Torneo-Signature"] = signature(expand(secret), timestamp, body)
    _post(url, body, headers)


def post_slack(url: str, message: Message) -> None:
    """Post a message as Slack's incoming webhooks take it.

    Raises:
        UnavailableError: the other side did not take it.
        SourceError: a variable is not set.
    """
    _post(url, to_json({"text": f"*{_escaped(message.title)}*\n{_escaped(message.why)}"}), {})


def _escaped(text: str) -> str:
    """Text as Slack reads it: names of columns and classes come from data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    import httpx

    place = expand(url)
    host = "a webhook"  # the rest of the address may be a secret, and is not told
    try:
        host = f"the webhook at {httpx.URL(place).host}"
        status = asyncio.run(_status(place, body, {"Content-Type": "application/json", **headers}))
    except TimeoutError:
        raise UnavailableError(f"{host} did not answer within {SECONDS:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnavailableError(f"{host} cannot be reached: {type(error).__name__}") from None
    if not 200 <= status < 300:
        raise UnavailableError(f"{host} answered {status}")


async def _status(place: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer; what follows it is not waited for."""
    import httpx

    async with (
        asyncio.timeout(SECONDS),
        httpx.AsyncClient(timeout=SECONDS) as client,
        client.stream("POST", place, content=body, headers=headers) as answer,
    ):
        return answer.status_code
