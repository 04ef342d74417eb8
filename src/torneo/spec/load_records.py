"""Frozen results of the steps of a load."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Literal

from torneo.spec.frozen import Frozen
from torneo.spec.records import GateReport
from torneo.spec.tables import Merged, TableName, Window

Status = Literal["running", "passed", "rejected_rows", "stopped"]


class Landed(Frozen):
    """What was copied into raw."""

    run: str
    """The id of the run: the same for the same project, window, snapshot and contract."""
    rows: int
    at: datetime.datetime
    """When; rows that had to be copied again make the steps after it run again."""


class Loaded(Frozen):
    """What a merge did."""

    run: str
    status: Status
    at: datetime.datetime
    """When; a merge that had to be done again is reported again."""
    gate: GateReport
    """The gate after it has refused rows whose keys are in the table on days outside the window, too."""
    merged: Merged


class LoadReport(Frozen):
    """One run of a load: rows = accepted + rejected + left_out + outside_window."""

    project: str
    run: str
    to: TableName
    source: str
    """The URI that was read, without secrets."""
    file: str
    """The name of the file or query."""
    window: Window | None
    status: Status
    rows: int
    left_out: int
    """Rows for which `where` is not true."""
    outside_window: int
    accepted: int
    rejected: int
    reasons: Mapping[str, int]
    """How many rows carry each reason."""
    merged: Merged | None
    """None where the run stopped before anything was merged."""
    error: str = ""
    """Why it stopped."""
    page: str = ""
    """The object key of the page."""

    @property
    def copies(self) -> int:
        """Rejected rows that are exact copies of accepted ones, so that nothing is lost with them."""
        return self.reasons.get("repeated_row", 0)

    @property
    def days(self) -> str:
        """The window for people."""
        return "the whole table" if self.window is None else f"{self.window.first} to {self.window.last}"


class Retried(Frozen):
    """Refused rows, or a person's corrections of them, judged again: tried = passed + refused + already + outside."""

    tried: int
    passed: int
    refused: int
    """Rows that were refused again, or are new and refused."""
    already: int
    """Rows that the load has, so that there was nothing to do."""
    outside: int
    """Rows that are now outside the window or left out by `where`; what they correct stays refused."""
    merged: Merged
    """What became of the rows that passed."""
    load: LoadReport
    """The run of the load as it stands now."""
