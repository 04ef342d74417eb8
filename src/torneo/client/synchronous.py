"""The client that waits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from torneo.client.answers import Explanation, HistoryPage, Logged, Prediction, Recorded
from torneo.client.calls import Calls
from torneo.client.exchange import Exchange, Reply, Send
from torneo.client.values import checked_url

Result = TypeVar("Result")


class Client:
    """Asks a Torneo server; it may be used by several threads at once.

    Args:
        url: where the server is.
        key: an API key; None where the server needs none.
        project: the project's name; not needed where the server has only one.
        timeout: seconds that one attempt may take.
        retries: how often a request is sent again when the server is busy, or does not answer. A retried prediction
            is made and logged once.

    Raises:
        UnsendableError: the address or the key cannot be one.
    """

    def __init__(
        self, url: str, *, key: str | None = None, project: str | None = None, timeout: float = 10.0, retries: int = 4
    ) -> None:
        self._calls = Calls(project, retries)
        self._http = httpx.Client(base_url=checked_url(url), timeout=timeout, headers=self._calls.headers(key))

    def predict(self, row: Mapping[str, Any]) -> Prediction:
        """Predict one row.

        Raises:
            AnswerError: the row breaks the contract, or the key may not; `problem` says which values.
            UnreachableError: the server did not answer, as often as was tried.
            UnsendableError: a number is infinite; the message says in which row and column.
        """
        return self._run(self._calls.predict(row))

    def predict_many(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Prediction]:
        """Predict rows, all or none; the errors are those of `predict`."""
        return self._run(self._calls.predict_many(rows))

    def explain(self, row: Mapping[str, Any]) -> Explanation:
        """How much each value adds to the prediction of a row; nothing is logged."""
        return self._run(self._calls.explain(row))

    def report(self, prediction_id: str, outcome: float | str | bool) -> Recorded:
        """Say what really happened; a later report corrects an earlier one.

        Raises:
            AnswerError: the server's log has no such prediction (404), or the contract does not allow the outcome.
        """
        return self._run(self._calls.report_one(prediction_id, outcome))

    def report_many(self, outcomes: Mapping[str, float | str | bool]) -> Recorded:
        """Say what really happened, by prediction; the unknown are listed, and the others written."""
        return self._run(self._calls.report(outcomes))

    def prediction(self, prediction_id: str) -> Logged:
        """A prediction from the log, with its outcome if there is one."""
        return self._run(self._calls.prediction(prediction_id))

    def history(self, **filters: Any) -> Iterator[Logged]:
        """Predictions from the log, the newest first; `filters` are the server's: since, until, version, role, …"""
        cursor: str | None = None
        while True:
            page: HistoryPage = self._run(self._calls.history(filters, cursor))
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    def model(self) -> Mapping[str, Any]:
        """The version that answers: its number, digest, family, metrics and inputs."""
        return self._run(self._calls.model())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, exchange: Exchange[Result]) -> Result:
        reply: Reply = None
        while True:
            try:
                step = exchange.send(reply)
            except StopIteration as ended:
                result: Result = ended.value
                return result
            if isinstance(step, Send):
                reply = self._sent(step)
            else:
                time.sleep(step.seconds)

    def _sent(self, send: Send) -> Reply:
        try:
            return self._http.request(send.method, **send.arguments)
        except httpx.TransportError as error:
            return error
