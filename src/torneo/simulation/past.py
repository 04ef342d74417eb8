"""What has been played in a project: a record of its state, so that each simulation goes on after the one before."""

from __future__ import annotations

import datetime

from torneo.errors import NotFoundError
from torneo.ports import StateStore
from torneo.spec.frozen import Frozen

MARK = "simulated"
"""What the log has as key, and as subject, of lines that were played."""
RECORD = "simulation"
"""The name of the record."""
GRACE = datetime.timedelta(minutes=1)
"""Days are over when nothing of them can come any more."""


class Past(Frozen):
    """What has been played."""

    until: datetime.datetime
    """The end of the last day."""
    played: int
    """So many rows."""
    days: int = 0
    """On so many days."""
    accepted: str
    """The table that rows come from: what the gate had accepted before anything was played."""
    champion: dict[str, object]
    """Who was champion then: the rows that it was trained on are left out."""


def simulated_time(state: StateStore, project: str) -> datetime.datetime:
    """The time up to which a project has been played.

    Raises:
        NotFoundError: nothing has been.
    """
    found = state.get(project, RECORD)
    if found is None:
        raise NotFoundError(f"nothing of {project} has been simulated yet", fix=f"torneo simulate {project}")
    return Past.model_validate(found).until + GRACE
