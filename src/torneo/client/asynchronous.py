"""The client for event loops; its calls are those of `Client`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from torneo.client.answers import Explanation, Logged, Prediction, Recorded
from torneo.client.calls import Calls
from torneo.client.exchange import Exchange, Reply, Send
from torneo.client.values import checked_url

Result = TypeVar("Result")


class AsyncClient:
    """Asks a Torneo server from an event loop; the arguments and the errors are those of `Client`."""

    def __init__(
        self, url: str, *, key: str | None = None, project: str | None = None, timeout: float = 10.0, retries: int = 4
    ) -> None:
        self._calls = Calls(project, retries)
        self._http = httpx.AsyncClient(base_url=checked_url(url), timeout=timeout, headers=self._calls.headers(key))

    async def predict(self, row: Mapping[str, Any]) -> Prediction:
        """Predict one row."""
        return await self._run(self._calls.predict(row))

    async def predict_many(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Prediction]:
        """Predict rows, all or none."""
        return await self._run(self._calls.predict_many(rows))

    async def explain(self, row: Mapping[str, Any]) -> Explanation:
        """How much each value adds to the prediction of a row; nothing is logged."""
        return await self._run(self._calls.explain(row))

    async def report(self, prediction_id: str, outcome: float | str | bool) -> Recorded:
        """Say what really happened; a later report corrects an earlier one."""
        return await self._run(self._calls.report_one(prediction_id, outcome))

    async def report_many(self, outcomes: Mapping[str, float | str | bool]) -> Recorded:
        """Say what really happened, by prediction; the unknown are listed, and the others written."""
        return await self._run(self._calls.report(outcomes))

    async def prediction(self, prediction_id: str) -> Logged:
        """A prediction from the log, with its outcome if there is one."""
        return await self._run(self._calls.prediction(prediction_id))

    async def history(self, **filters: Any) -> AsyncIterator[Logged]:
        """Predictions from the log, the newest first; `filters` are the server's: since, until, version, role, …"""
        cursor: str | None = None
        while True:
            page = await self._run(self._calls.history(filters, cursor))
            for item in page.items:
                yield item
            cursor = page.next
            if cursor is None:
                return

    async def model(self) -> Mapping[str, Any]:
        """The version that answers: its number, digest, family, metrics and inputs."""
        return await self._run(self._calls.model())

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, exchange: Exchange[Result]) -> Result:
        reply: Reply = None
        while True:
            try:
                step = exchange.send(reply)
            except StopIteration as ended:
                result: Result = ended.value
                return result
            if isinstance(step, Send):
                reply = await self._sent(step)
            else:
                await asyncio.sleep(step.seconds)

    async def _sent(self, send: Send) -> Reply:
        try:
            return await self._http.request(send.method, **send.arguments)
        except httpx.TransportError as error:
            return error
