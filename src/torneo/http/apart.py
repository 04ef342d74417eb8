"""Large bodies: refused before anything is made of them, and read in a thread, so that nobody else waits for them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TypeVar

from torneo.http.problems import Problem

LARGE = 64 * 1024
"""Bytes of a body that is read at once; a larger one is read, and answered, in a thread."""
SLACK = 1000
"""So many arrays, objects and commas a body may have besides those of its rows."""
TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)

Made = TypeVar("Made")


async def apart(size: int, work: Callable[[], Made]) -> Made:
    """What is made of a body of so many bytes."""
    return work() if size <= LARGE else await asyncio.to_thread(work)


def few_parts(body: bytes, rows: int, columns: int) -> None:
    """Refuse a JSON text with more values than so many rows of so many columns have, in whatever form.

    The parser lets nobody else work until it has made all values of the text; to count them is quicker by far.

    Raises:
        Problem: it has.
    """
    # one comma per value, row and row's number; one bracket per row, or one per value where each is an array of one
    most = rows * (2 * columns + 3) + SLACK
    if len(body) <= LARGE or _parts(body) <= most or _parts(TEXT.sub(b"", body)) <= most:
        return
    raise Problem(413, f"the body has more values than {rows:,} rows, the most of one request, have here")


def _parts(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
