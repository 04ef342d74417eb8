"""The base of everything a project declares: frozen, closed, and with small shared value types."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

MISTAKEN = "mistaken"
"""The type of the error that `refuse` raises."""
Place = tuple[str | int, ...]
"""Where a part stands in a record: names and numbers from the outside in."""
LONGEST = 80
"""So many characters of a value are shown in a message."""


class Frozen(BaseModel):
    """An immutable record that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, populate_by_name=True)


def refuse(mistakes: Iterable[tuple[Place, str]]) -> None:
    """Refuse a record for all its mistakes at once: each the place of a part, seen from the record, and what is wrong.

    Raises:
        PydanticCustomError: there is a mistake.
    """
    found = list(mistakes)
    if found:
        text = "; ".join(f"{'.'.join(str(part) for part in place)}: {message}" for place, message in found)
        raise PydanticCustomError(MISTAKEN, "{text}", {"text": text, "found": found})


def shortened(value: object) -> str:
    """A value as a message shows it.

    >>> shortened("x" * 1000)[-5:]
    "xxx…'"
    """
    if isinstance(value, str):
        return repr(f"{value[: LONGEST - 1]}…" if len(value) > LONGEST else value)
    told = repr(value)
    return f"{told[: LONGEST - 1]}…" if len(told) > LONGEST else told


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was meant, or nothing.

    >>> nearest("Agee", ["Age", "Gender"])
    " (did you mean 'Age'?)"
    """
    meant = _nearest(name[:LONGEST], tuple(known))
    return "" if meant is None else f" (did you mean {meant!r}?)"


@lru_cache(4096)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    """Clients choose names, and as many as they like: a long one is compared by its beginning, and each once."""
    near = difflib.get_close_matches(name, known, n=1)
    return near[0] if near else None


def parse_share(value: Any) -> Any:
    """Read a share written as `20%` or as `0.2`.

    >>> parse_share("2.5%"), parse_share(0.2)
    (0.025, 0.2)
    """
    if isinstance(value, str) and value.strip().endswith("%"):
        number = value.strip()[:-1]
        try:
            return float(number) / 100
        except ValueError:
            raise ValueError(f"expected a share such as 20% or 0.2, not {shortened(value)}") from None
    if isinstance(value, str | bool):
        raise ValueError(f"expected a share such as 20% or 0.2, not {shortened(value)}")  # noqa: TRY004 - pydantic reads it
    return value


Share = Annotated[float, Field(ge=0, le=1), BeforeValidator(parse_share)]
"""A part of a whole, 0 to 1; YAML may say `20%`."""

OpenShare = Annotated[float, Field(gt=0, lt=1), BeforeValidator(parse_share)]
"""A share that is neither nothing nor all."""
