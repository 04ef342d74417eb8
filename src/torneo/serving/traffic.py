"""Which versions take part beside the champion: the last entry of the append-only stream `traffic` says it."""

from __future__ import annotations

from hashlib import blake2b

from torneo.ports import StateStore
from torneo.promotion import Champion
from torneo.spec.frozen import Frozen

STREAM = "traffic"


class Traffic(Frozen):
    """The versions beside the champion."""

    challenger: Champion | None = None
    """Answers for a share of the subjects."""
    share: float = 0.0
    shadow: Champion | None = None
    """Is scored and logged; its answers are not returned."""


def traffic(state: StateStore, project: str) -> Traffic:
    """The present traffic."""
    entries = state.read(project, STREAM, last=1)
    return Traffic.model_validate(entries[-1].body["traffic"]) if entries else Traffic()


def share_of(subject: str, project: str) -> float:
    """Where a subject stands between 0 and 1: evenly spread, and always at the same place.

    >>> share_of("customer 7", "churn") == share_of("customer 7", "churn")
    True
    """
    return int.from_bytes(blake2b(f"{project}\0{subject}".encode(), digest_size=7).digest()) / 2**56
