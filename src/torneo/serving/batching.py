"""Micro-batching: requests that arrive in one turn of the event loop are answered by one question to the model.

Nobody waits for others to come: what is there when the turn ends is answered, be it one request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from torneo.errors import UnavailableError
from torneo.serving.endpoint import Call, Endpoint, InvalidRowsError, Predicted, Row

MOST_ROWS = 64
"""So many rows are asked for at once; the event loop does nothing else meanwhile."""


class _Request(NamedTuple):
    rows: Sequence[Row]
    call: Call
    answer: asyncio.Future[Predicted | None]
    """None if the batch could not be answered as a whole: each request is tried alone then, and told its mistakes."""


class MicroBatcher:
    """Answers the requests to one endpoint, in one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._waiting: list[_Request] = []

    async def predict(self, rows: Sequence[Row], call: Call) -> Predicted:
        """Answer the rows of one request, as `Endpoint.predict` does; a request with mistakes disturbs no other.

        Raises:
            InvalidRowsError: rows break the contract; nothing is answered.
            UnavailableError: there is no champion yet.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Predicted | None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._answer)
        self._waiting.append(_Request(rows, call, answer))
        made = await answer
        return self._endpoint.predict(rows, call) if made is None else made

    def _answer(self) -> None:
        batch = self._take()
        if self._waiting:  # others have their turn between
            asyncio.get_running_loop().call_soon(self._answer)
        answers: Sequence[Predicted | None] = [None] * len(batch)
        try:
            with suppress(InvalidRowsError, UnavailableError):
                answers = self._endpoint.predict_all([(rows, call) for rows, call, _ in batch])
        finally:
            for request, made in zip(batch, answers, strict=True):
                if not request.answer.done():  # it would be if it was cancelled
                    request.answer.set_result(made)

    def _take(self) -> list[_Request]:
        count = rows = 0
        for request in self._waiting:
            rows += len(request.rows)
            if count and rows > MOST_ROWS:
                break
            count += 1
        batch = self._waiting[:count]
        del self._waiting[:count]
        return batch
