"""Identifiers that are in the order of time: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence

COUNTED = 26
"""Bits behind the moment that count on from a random number in one millisecond (RFC 9562, section 6.2, method 1)."""
_counting = threading.Lock()
_reached = (0, 0)
"""The last moment, and where its count is."""


def new_ids(count: int = 1, milliseconds: int | None = None) -> Sequence[str]:
    """So many new ids, made now or at a moment (milliseconds since 1970 in UTC), in ascending order.

    Those that one process makes one after the other at one moment are in that order, too.

    >>> one, two = new_ids(2, 0x017F22E279B0)
    >>> one[:15], one < two < new_ids(1, 0x017F22E279B0)[0]
    ('017f22e2-79b0-7', True)
    """
    moment = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    random = os.urandom(6 * count + 4)
    start = _count(count, moment, int.from_bytes(random[-4:]))
    digits = f"{moment:012x}"
    head = f"{digits[:8]}-{digits[8:]}-7"
    tails = random.hex()
    return [
        f"{head}{number >> 14:03x}-{0x8000 | number & 0x3FFF:04x}-{tails[12 * place : 12 * place + 12]}"
        for place, number in enumerate(range(start, start + count))
    ]


def _count(count: int, moment: int, random: int) -> int:
    """The first of so many numbers that nobody has at this moment; a new count begins at 32 random bits' choice."""
    global _reached
    with _counting:
        last, start = _reached
        if last != moment or start + count > 1 << COUNTED:
            start = random >> (33 - COUNTED)  # in the lower half, so that there is room
        _reached = moment, start + count
    return start


def lowest_id(milliseconds: int) -> str:
    """What all ids made at a moment or later are not below, and all earlier ones are.

    >>> lowest_id(0x017F22E279B0)
    '017f22e2-79b0-7000-8000-000000000000'
    """
    moment = f"{milliseconds:012x}"
    return f"{moment[:8]}-{moment[8:]}-7000-8000-000000000000"


def milliseconds_of(id_: str) -> int:
    """The moment of an id: milliseconds since 1970 in UTC.

    >>> milliseconds_of("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") == 0x017F22E279B0
    True
    """
    return int(id_[:8] + id_[9:13], 16)
