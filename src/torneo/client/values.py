"""What a client is given, as JSON can say it, and what it is told where JSON cannot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Never

import httpx

from torneo.errors import Terminal

MOST_DIGITS = 40
"""A whole decimal of more digits is sent as a float."""


class UnsendableError(Terminal):
    """What a client was given cannot be sent."""


def sendable(value: Any, place: str = "") -> Any:
    """A value of which JSON can be made: NumPy's scalars and decimals are numbers.

    Args:
        place: where it stands, for people.

    Raises:
        UnsendableError: a number in it is infinite.
    """
    if isinstance(value, float):
        if math.isinf(value):
            raise UnsendableError(
                f"{place or 'the value'} is {value}, and there is no such number in JSON",
                fix="send a number, or None for a missing value",
            )
        return value
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, Mapping):
        return {
            name: sendable(each, f"{place}, column {name}" if place else f"column {name}")
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [sendable(each, f"row {number}") for number, each in enumerate(value, 1)]
    if isinstance(value, Decimal):
        whole = value.is_finite() and value.adjusted() < MOST_DIGITS and value == value.to_integral_value()
        return sendable(int(value) if whole else float(value), place)
    if hasattr(value, "item") and (plain := value.item()) is not value:  # a scalar of NumPy or pandas
        return sendable(plain, place)
    return value


def unknown_type(value: Any) -> Never:
    """Refuse what JSON has no form for."""
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON: {str(value)[:80]}")


def checked_key(key: str | None) -> str | None:
    """An API key as a header can carry it, without white space around it.

    Raises:
        UnsendableError: it is none; the message does not show it.
    """
    if key is None:
        return None
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        what = "is empty" if not key else "has characters that no key has"
        raise UnsendableError(f"the API key {what} (it is not shown here)", fix="give the key as it was created")
    return key


def checked_url(url: str) -> str:
    """The address of a server, without white space around it.

    Raises:
        UnsendableError: it is no address of HTTP.
    """
    fix = "give an address such as https://models.example"
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise UnsendableError(f"the address of the server is not a URL: {error}", fix=fix) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UnsendableError("the address of the server must begin with http:// or https:// and name a host", fix=fix)
    return url.strip()
