"""What a call does, without doing it: a generator that asks for requests to be sent and time to pass.

`Client` and `AsyncClient` drive the same generators, so that both wait, retry and fail alike.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic_core import to_json

from torneo.client.values import sendable, unknown_type
from torneo.errors import Terminal, Transient

RETRIED = frozenset({408, 425, 429, 502, 503, 504})
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
"""Seconds; a server that asks for more is not waited for."""

Result = TypeVar("Result")


class AnswerError(Terminal):
    """The server refused the request."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        """The server's problem details (RFC 9457)."""
        errors = problem.get("errors") or ()
        told = "; ".join(f"{error.get('pointer', '')}: {error.get('detail', '')}" for error in errors[:5])
        more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
        super().__init__(f"{status} {problem.get('detail', '')}" + (f" ({told}{more})" if told else ""))


class UnreachableError(Transient):
    """The server did not answer, or asked to come back later, as often as was tried."""


@dataclass(frozen=True)
class Send:
    """A request to be sent; its answer, or the error, is sent back into the generator."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """What httpx's `request` takes. NumPy's scalars and decimals become numbers, and NaN null, which is missing.

        Raises:
            UnsendableError: a value is infinite, or there is no JSON for it.
        """
        if self.json is None:
            return {"url": self.path, "params": self.params, "headers": self.headers}
        content = to_json(sendable(self.json), inf_nan_mode="null", fallback=unknown_type)
        headers = {"Content-Type": "application/json", **self.headers}
        return {"url": self.path, "params": self.params, "content": content, "headers": headers}


@dataclass(frozen=True)
class Sleep:
    """Seconds that should pass."""

    seconds: float


Reply = httpx.Response | httpx.TransportError | None
Exchange = Generator[Send | Sleep, Reply, Result]


def ask(send: Send, retries: int, *, once: bool = False) -> Exchange[Any]:
    """Send a request until it is answered; gives the JSON of its answer.

    Args:
        once: the request does something; an idempotency key sees to it that retries do it only once.

    Raises:
        AnswerError: the server refused it.
        UnreachableError: it did not answer, or was too busy, each time.
    """
    if once:
        send = Send(send.method, send.path, send.json, send.params, {"Idempotency-Key": str(uuid.uuid4())})
    why = ""
    for attempt in range(retries + 1):
        reply = yield send
        if isinstance(reply, httpx.Response):
            if reply.is_success:
                return reply.json()
            problem = _problem(reply)
            if reply.status_code not in RETRIED:
                raise AnswerError(reply.status_code, problem)
            why = f"{reply.status_code} {problem.get('detail', '')}"
            asked = _retry_after(reply)
        else:
            why, asked = f"{type(reply).__name__}: {reply}", None
        pause = asked if asked is not None else FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
        if attempt == retries or pause > LONGEST_PAUSE:
            break
        yield Sleep(pause)
    raise UnreachableError(f"{send.method} {send.path} was not answered in {attempt + 1} attempts: {why}")


def _problem(reply: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = reply.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"detail": reply.text[:200]}


def _retry_after(reply: httpx.Response) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, section 10.2.3)."""
    said = reply.headers.get("Retry-After")
    if said is None:
        return None
    if said.isdigit():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
        now = parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError):
        return None
    return max(0.0, (moment - now).total_seconds())
