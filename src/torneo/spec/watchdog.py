"""What is watched when a model serves, when somebody is told, and what is done then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from torneo.spec.channels import Channels
from torneo.spec.frozen import Frozen, OpenShare, Place, Share, refuse, shortened
from torneo.spec.watching import Drift

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LENGTH = re.compile(r"([1-9][0-9]{0,8})\s*([smhdw])")
ROWS = re.compile(r"([1-9][0-9]{0,8})\s*rows")
LONGEST = 10 * 366 * 86400
"""So many seconds, ten years, are the longest time that is looked at or waited for."""


def parse_length(value: Any) -> Any:
    """Read a length of time written as `30m`, `6h` or `1d`, in seconds.

    >>> parse_length("6h"), parse_length(90)
    (21600, 90)
    """
    if not isinstance(value, str):
        return value
    written = LENGTH.fullmatch(value.strip())
    if written is None:
        raise ValueError(f"expected a length of time such as 30m, 6h or 1d, not {shortened(value)}")
    return int(written[1]) * UNITS[written[2]]


Seconds = Annotated[int, Field(gt=0, le=LONGEST), BeforeValidator(parse_length)]
"""A length of time in seconds; YAML may say `6h`."""


@dataclass(frozen=True, slots=True)
class WindowSize:
    """So many seconds, or so many predictions; the other is None."""

    seconds: int | None
    rows: int | None


def parse_window(text: str) -> WindowSize:
    """The size that a text says.

    >>> parse_window("1d"), parse_window("5000 rows")
    (WindowSize(seconds=86400, rows=None), WindowSize(seconds=None, rows=5000))

    Raises:
        ValueError: it says none.
    """
    rows = ROWS.fullmatch(text.strip())
    if rows is not None:
        return WindowSize(None, int(rows[1]))
    written = LENGTH.fullmatch(text.strip())
    if written is None or written[2] == "s":
        raise ValueError(f"expected a window such as 6h, 1d or 5000 rows, not {shortened(text)}")
    seconds = int(written[1]) * UNITS[written[2]]
    if seconds > LONGEST:
        raise ValueError(f"a window has at most ten years, and {shortened(text)} is longer")
    return WindowSize(seconds, None)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise ValueError(f"expected a window such as 6h, 1d or 5000 rows, not {shortened(value)}")


def _a_window(text: str) -> str:
    parse_window(text)
    return text


WindowText = Annotated[
    str,
    AfterValidator(_a_window),
    BeforeValidator(_text),
    Field(json_schema_extra={"examples": ["1d", "6h", "5000 rows"]}),
]
"""A window as a project file writes it; `parse_window` reads it."""


class Persistence(Frozen):
    """How long something must last, so that one odd window neither opens nor closes an alert."""

    bad: int = Field(default=2, ge=1)
    """An alert opens when so many …"""
    of: int = Field(default=3, ge=1, le=50)
    """… of the last so many windows were bad, the latest among them."""
    good: int = Field(default=2, ge=1, le=50)
    """It closes after so many good windows in a row."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.bad > self.of:
            refuse([(("bad",), f"{self.bad} of {self.of} windows can never be bad: lower it, or raise `of`")])
        return self


class Performance(Frozen):
    """When predictions have become worse, by the outcomes that are known."""

    falls: OpenShare = 0.1
    """The share by which the deciding metric may be worse than what the judge saw; an interval must rule out chance."""
    guardrails: bool = True
    """Whether a guardrail of `judge` that outcomes break, beyond chance, is bad too."""
    min_outcomes: int = Field(default=100, ge=20)
    """With fewer outcomes than this nothing is said."""
    confidence: OpenShare = 0.99
    """The confidence of the intervals."""


class Quality(Frozen):
    """When too many requests break the contract."""

    refused: Share = 0.05
    """The share of requests that may be refused for their values."""
    warned: Share = 0.1
    """The share of predictions that may be answered with a warning."""
    min_requests: int = Field(default=50, ge=1)
    """With fewer requests than this in a window nothing is said."""


class Latency(Frozen):
    """When answers take too long."""

    p99_ms: float = Field(default=1000, gt=0)
    """The 99 % quantile of the milliseconds from a request's arrival to its answer."""
    min_rows: int = Field(default=100, ge=1)
    """With fewer predictions than this in a window nothing is said."""


Trigger = Literal["drift", "performance", "data"]


class Retrain(Frozen):
    """When the project is trained again, and what holds that back."""

    when: tuple[Trigger, ...] = ("drift", "performance", "data")
    """The alerts that start a training, if the source has data that no model was judged on yet; none: `[]`."""
    cooldown: Seconds = 86400
    """At least so long between one training and the next."""
    per_day: int = Field(default=1, ge=1)
    """At most so many trainings within 24 hours."""
    dry_run: bool = False
    """Write down and tell what would be trained, and train nothing."""


class Watch(Frozen):
    """What `torneo watch` looks at, whom it tells, and what it does by itself. A part that is `null` is not watched."""

    window: WindowText = "1d"
    """Which predictions are looked at together: by time (`6h`, `1d`), or by number (`5000 rows`)."""
    persistence: Persistence = Persistence()
    drift: Drift | None = Drift()
    performance: Performance | None = Performance()
    quality: Quality | None = Quality()
    latency: Latency | None = Latency()
    data: bool = True
    """Whether new content of the source, by its digest, is an alert until a model was judged on it."""
    retrain: Retrain = Retrain()
    rollback: bool = True
    """Go back to the champion before by itself when outcomes prove the new one worse on the same rows."""
    notify: Channels = ()
    """Who is told when an alert opens, grows or closes, and what was done."""

    @model_validator(mode="before")
    @classmethod
    def _parts(cls, value: Any) -> Any:
        if isinstance(value, dict | Watch):
            return value
        raise ValueError("expected keys and values, such as {window: 6h}; leave it out to watch what is usual")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse((*self._idle(), *self._too_small()))
        return self

    def _idle(self) -> Iterator[tuple[Place, str]]:
        """Trainings that could never start, where they were asked for one by one."""
        if self.retrain.when == get_args(Trigger):
            return
        for place, name in enumerate(self.retrain.when):
            if not getattr(self, name):
                off = "false" if name == "data" else "null"
                message = f"{name} is not watched (`{name}: {off}`), so it never starts a training"
                yield ("retrain", "when", place), f"{message}: watch it, or leave {name} out here"

    def _too_small(self) -> Iterator[tuple[Place, str]]:
        """Windows of which nothing could ever be said."""
        rows = parse_window(self.window).rows
        if rows is None:
            return
        if self.drift is not None and rows < self.drift.min_rows:
            yield ("window",), _never("drift", rows, self.drift.min_rows)
        if self.latency is not None and self.latency != Latency() and rows < self.latency.min_rows:
            yield ("latency", "min_rows"), _never("latency", rows, self.latency.min_rows)


def _never(part: str, rows: int, least: int) -> str:
    return (
        f"a window of {rows} rows never has the {least} that {part}.min_rows asks for: "
        f"write {least} rows or more, or lower {part}.min_rows"
    )
