"""What a conformance check says when an implementation fails it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torneo.errors import TorneoError


def equal(actual: object, expected: object, what: str) -> None:
    """Demand that two values are equal.

    Raises:
        AssertionError: they are not; the message has `what` and both.
    """
    if actual != expected:
        raise AssertionError(f"{what}: expected {str(expected)[:500]}, got {str(actual)[:500]}")


@contextmanager
def raises(kind: type[TorneoError], what: str, *, says: str = "") -> Iterator[None]:
    """Demand that the block raises an error whose message contains `says`.

    Raises:
        AssertionError: it raised nothing, or its message lacks the text.
    """
    try:
        yield
    except kind as error:
        if says not in str(error):
            raise AssertionError(f"{what}: the message must contain {says!r}: {error}") from error
        return
    raise AssertionError(f"{what}: {kind.__name__} was not raised")
