"""What the client's methods send, and what they make of the answers; both clients share it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from torneo.client.answers import Explanation, HistoryPage, Logged, Prediction, Recorded
from torneo.client.exchange import Exchange, Send, ask
from torneo.client.values import checked_key

Outcome = float | str | bool


@dataclass(frozen=True)
class Calls:
    """The calls for one project, or for the only one that a server has."""

    project: str | None
    retries: int

    def headers(self, key: str | None) -> dict[str, str]:
        """The headers of all requests.

        Raises:
            UnsendableError: the key cannot be one.
        """
        checked = checked_key(key)
        return {} if checked is None else {"X-API-Key": checked}

    def predict(self, row: Mapping[str, Any]) -> Exchange[Prediction]:
        """Predict one row."""
        answer = yield from ask(Send("POST", self._path("predict"), dict(row)), self.retries, once=True)
        return Prediction.model_validate(answer)

    def predict_many(self, rows: Sequence[Mapping[str, Any]]) -> Exchange[Sequence[Prediction]]:
        """Predict rows."""
        if not rows:
            return ()
        sent = [dict(row) for row in rows]
        answer = yield from ask(Send("POST", self._path("predict"), sent), self.retries, once=True)
        return [Prediction.model_validate(each) for each in answer["predictions"]]

    def explain(self, row: Mapping[str, Any]) -> Exchange[Explanation]:
        """Explain one row."""
        answer = yield from ask(Send("POST", self._path("explain"), dict(row)), self.retries)
        return Explanation.model_validate(answer)

    def report(self, outcomes: Mapping[str, Outcome]) -> Exchange[Recorded]:
        """Report outcomes by prediction; the same again changes nothing, so that it may be retried."""
        sent = [{"prediction_id": prediction, "value": value} for prediction, value in outcomes.items()]
        answer = yield from ask(Send("POST", self._path("outcomes"), sent), self.retries)
        return Recorded.model_validate(answer)

    def report_one(self, prediction_id: str, outcome: Outcome) -> Exchange[Recorded]:
        """Report one outcome; an unknown prediction is the server's 404."""
        sent = {"prediction_id": prediction_id, "value": outcome}
        answer = yield from ask(Send("POST", self._path("outcomes"), sent), self.retries)
        return Recorded.model_validate(answer)

    def prediction(self, prediction_id: str) -> Exchange[Logged]:
        """One line of the log."""
        answer = yield from ask(Send("GET", self._path(f"history/{quote(prediction_id, safe='')}")), self.retries)
        return Logged.model_validate(answer)

    def history(self, filters: Mapping[str, Any], cursor: str | None) -> Exchange[HistoryPage]:
        """A page of the log."""
        params = {name: _text(value) for name, value in {**filters, "cursor": cursor}.items() if value is not None}
        answer = yield from ask(Send("GET", self._path("history"), params=params), self.retries)
        return HistoryPage.model_validate(answer)

    def model(self) -> Exchange[Mapping[str, Any]]:
        """The version that answers."""
        answer: Mapping[str, Any] = yield from ask(Send("GET", self._path("model")), self.retries)
        return answer

    def _path(self, name: str) -> str:
        return f"/{name}" if self.project is None else f"/v1/{quote(self.project, safe='')}/{name}"


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value
