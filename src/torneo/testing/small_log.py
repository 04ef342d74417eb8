"""Lines of a prediction log, for tests."""

from __future__ import annotations

import datetime
import json
from typing import Any

from torneo.ports import Claim, Outcome, Prediction
from torneo.ports.prediction_log import EPOCH

FIRST = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
"""The time of prediction 0."""
MICROSECOND = datetime.timedelta(microseconds=1)


def prediction(number: int, **parts: Any) -> Prediction:
    """A prediction of that second after noon of the first of March 2026; `parts` replace its fields.

    >>> prediction(1).id
    '019ca945-0de8-7000-8000-000000000001'
    """
    at = (FIRST - EPOCH) // MICROSECOND + number * 1_000_000
    digits = f"{at // 1000:012x}"
    usual = Prediction(
        id=f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}",
        project="housing",
        at=at,
        request=f"request-{number}",
        key="",
        version=1,
        role="champion",
        inputs=json.dumps({"rooms": number}),
        output=json.dumps({"value": number / 2}),
        latency=1500,
    )
    return usual._replace(**parts)


def claim(request: str, name: str = "name", **parts: Any) -> Claim:
    """A claim of a request on a name."""
    usual = Claim("housing", "key", name, request, "digest", f'{{"of": "{request}"}}', prediction(0).at)
    return usual._replace(**parts)


def outcome(number: int, value: object, *, after: int = 3600) -> Outcome:
    """An outcome that was reported so many seconds after noon."""
    at = prediction(after).at
    return Outcome("housing", prediction(number).id, json.dumps(value), at, "reporter")
