"""What the watchdog finds in a window, and what it writes down of it."""

from __future__ import annotations

import datetime
from typing import Literal

from torneo.spec.frozen import Frozen
from torneo.spec.records import digest_of

Rule = Literal["drift", "performance", "quality", "latency", "data"]
LONGEST_WHY = 300


class Finding(Frozen):
    """Something that is as bad as an alert asks for."""

    rule: Rule
    subject: str
    """What it is about: a column, a metric, `refused`."""
    value: float
    bar: float
    """What the value should not have passed."""
    size: float
    """How bad it is, as a multiple of what just makes it bad."""
    why: str
    """A sentence for a person."""


class Evaluation(Frozen):
    """What was found in one window by some of the rules."""

    window: str
    """What tells the window from all others of these rules."""
    place: str
    """Where it stands among them: places in the order of text are in the order of time."""
    rules: tuple[Rule, ...]
    """The rules that had enough to judge by; what they did not find is good."""
    findings: tuple[Finding, ...] = ()
    version: int = 0
    """The champion that was judged; findings about another are not counted together with these."""
    content: str = ""
    """What the finding rests on, where a window may be looked at again, such as the number of outcomes."""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    """The window's end; it is not part of it."""
    last: str | None = None
    """The id of the window's last prediction, where windows are counted."""
    rows: int = 0
    notes: tuple[str, ...] = ()
    """Why a rule could not judge."""

    def identity(self, before: int) -> str:
        """What makes writing it twice harmless; `before` is how many evaluations there are."""
        return digest_of([self.window, self.rules, self.content, before])[:32]


def finding(rule: Rule, subject: str, *, value: float, bar: float, size: float, why: str) -> Finding:
    """A finding whose text is bounded."""
    return Finding(rule=rule, subject=subject, value=value, bar=bar, size=size, why=why[:LONGEST_WHY])
