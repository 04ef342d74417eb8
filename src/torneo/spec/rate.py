"""How often somebody may ask: `100/minute`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from torneo.spec.frozen import shortened

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
WRITTEN = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(SECONDS)})")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many units in so many seconds."""

    amount: int
    seconds: int


def parse_rate(text: str) -> Rate:
    """The rate that a text says.

    >>> parse_rate("100/minute")
    Rate(amount=100, seconds=60)

    Raises:
        ValueError: it says none.
    """
    written = WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"expected a rate such as 100/minute (per {', '.join(SECONDS)}), not {shortened(text)}")
    return Rate(int(written[1]), SECONDS[written[2]])


def _checked(text: str) -> str:
    parse_rate(text)
    return text


RateText = Annotated[
    str,
    AfterValidator(_checked),
    Field(json_schema_extra={"pattern": f"^{WRITTEN.pattern}$", "examples": ["100/minute"]}),
]
"""A rate as a project file writes it; `parse_rate` reads it."""
