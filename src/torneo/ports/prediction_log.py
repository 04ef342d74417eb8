"""The durable log of answered predictions and of what came of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from torneo.spec.frozen import Frozen

if TYPE_CHECKING:
    import polars as pl

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MILLISECOND = datetime.timedelta(milliseconds=1)
Role = Literal["champion", "challenger", "shadow"]
"""`challenger` answers in the champion's place for a share of the traffic; `shadow` is scored and never returned."""


class Prediction(NamedTuple):
    """One predicted row as it is written; a tuple, because thousands are made per second."""

    id: str
    """A UUIDv7, so that ids are in the order of time."""
    project: str
    at: int
    """Microseconds since 1970 in UTC."""
    request: str
    """The id of the request, which may have many rows."""
    key: str
    """The id of the API key; empty where there was none."""
    version: int
    role: Role
    inputs: str
    """The row as JSON object."""
    output: str
    """The answer as JSON object."""
    latency: int
    """Microseconds from the request's arrival until the answer was computed."""
    entity: str = ""
    """The digest of the contract's key, by which a person's rows are found and erased."""
    of: str = ""
    """A shadow's: the id of the prediction that was returned."""


class Claim(NamedTuple):
    """An idempotency key with the answer that was given for it."""

    project: str
    key: str
    """The id of the API key: clients do not see each other's."""
    name: str
    """The client's idempotency key."""
    request: str
    """The id of the request that was answered."""
    digest: str
    """The digest of the request's body."""
    answer: str
    at: int
    """Microseconds since 1970 in UTC."""


class Outcome(NamedTuple):
    """What really happened, as it was reported."""

    project: str
    prediction: str
    """The id of the prediction."""
    value: str
    """JSON: a number, or the class as text."""
    at: int
    """When it was reported: microseconds since 1970 in UTC."""
    key: str = ""
    """The id of the API key that reported it."""


class Logged(Frozen):
    """A line of the log as it is read, with its last outcome."""

    id: str
    time: datetime.datetime
    request: str
    key: str
    version: int
    role: Role
    inputs: Mapping[str, Any]
    output: Mapping[str, Any]
    latency_ms: float
    of: str | None = None
    outcome: bool | int | float | str | None = None
    outcome_time: datetime.datetime | None = None


class LogFilter(Frozen):
    """Which lines of the log are wanted; None asks nothing. Moments are those in the ids, in whole milliseconds."""

    since: datetime.datetime | None = None
    """From this moment on."""
    until: datetime.datetime | None = None
    """Before this moment."""
    version: int | None = None
    role: Role | None = None
    key: str | None = None
    request: str | None = None
    entity: str | None = None
    labelled: bool | None = None
    """With an outcome, or without one."""


def first_id(moment: datetime.datetime) -> str:
    """The smallest UUIDv7 of a moment, in whole milliseconds: ids of earlier moments are smaller.

    Source: RFC 9562, 5.7.

    >>> first_id(datetime.datetime(2022, 2, 22, 19, 22, 22, tzinfo=datetime.UTC))
    '017f22e2-79b0-0000-0000-000000000000'
    """
    digits = f"{max(0, (moment - EPOCH) // MILLISECOND):012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


class PredictionLog(Protocol):
    """Answered predictions, idempotency keys and outcomes; each method is one transaction.

    All raise UnavailableError where the database does not answer or its disk is full; nothing is half written then.
    """

    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        """Write all of it; it is on disk when this returns. An id that is already there is not written again.

        Where another request has claimed a name before, the predictions of the later request are left out: the answer
        is that request's id to the claim that stands.
        """
        ...

    def claim(self, project: str, key: str, name: str) -> Claim | None:
        """The claim on an idempotency key, or None."""
        ...

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> Sequence[str]:
        """Write outcomes; a later one of the same prediction corrects the earlier. Gives the ids nobody has heard of.

        Those are not written; the others are.
        """
        ...

    def get(self, project: str, id: str) -> Logged | None:  # noqa: A002
        """One line, or None."""
        ...

    def page(self, project: str, wanted: LogFilter, *, before: str | None = None, limit: int = 100) -> Sequence[Logged]:
        """Lines, the newest first, older than the id `before`."""
        ...

    def scan(self, project: str, wanted: LogFilter, *, rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """All lines, oldest first, in frames of at most so many rows, in bounded memory.

        Columns: id, time (UTC), request, key, version, role, inputs and output (JSON), latency_ms, of, entity, outcome
        (JSON), outcome_time. What a line does not have is null.
        """
        ...

    def prune(self, project: str, before: datetime.datetime) -> int:
        """Remove lines that are older, with their outcomes and claims; gives how many lines."""
        ...

    def erase(self, project: str, entity: str) -> int:
        """Remove all lines of an entity, with their outcomes and the claims of their requests; gives how many lines."""
        ...
