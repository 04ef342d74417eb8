"""Identifiers that are in the order of time: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence


def new_ids(count: int = 1, milliseconds: int | None = None) -> Sequence[str]:
    """So many new ids, made now or at a moment (milliseconds since 1970 in UTC).

    >>> new_ids(1, 0x017F22E279B0)[0][:15]
    '017f22e2-79b0-7'
    """
    moment = f"{time.time_ns() // 1_000_000 if milliseconds is None else milliseconds:012x}"
    head = f"{moment[:8]}-{moment[8:]}-7"
    random = os.urandom(10 * count).hex()
    ids = []
    for start in range(0, 20 * count, 20):
        part = random[start : start + 20]
        ids.append(f"{head}{part[:3]}-{_VARIANT[part[3]]}{part[4:7]}-{part[7:19]}")
    return ids


_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


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
