"""What is watched when a model serves, when somebody is told, and what is done then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from torneo.spec.frozen import Frozen, OpenShare, Share, refuse, shortened
from torneo.spec.watching import Drift

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LENGTH = re.compile(r"([1-9][0-9]{0,8})\s*([smhdw])")
ROWS = re.compile(r"([1-9][0-9]{0,8})\s*rows")
LONGEST = 10 * 366 * 86400
"""So many seconds, ten years, are the longest time that is looked at or waited for."""
SECRET = re.compile(r"\$\{\w+\}")


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


def _a_window(text: str) -> str:
    parse_window(text)
    return text


WindowText = Annotated[str, AfterValidator(_a_window), Field(json_schema_extra={"examples": ["1d", "6h", "5000 rows"]})]
"""A window as a project file writes it; `parse_window` reads it."""


def _from_environment(text: str) -> str:
    if SECRET.fullmatch(text) is None:
        raise ValueError("a secret does not belong into a file: name a variable of the environment, such as ${SECRET}")
    return text


Secret = Annotated[str, AfterValidator(_from_environment), Field(json_schema_extra={"pattern": f"^{SECRET.pattern}$"})]
"""The name of a variable that holds a secret: `${NAME}`."""


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


class Email(Frozen):
    """Where a message goes by e-mail, and through which server."""

    to: Annotated[tuple[str, ...], Field(min_length=1)]
    """Who gets it."""
    sender: str = Field(alias="from")
    """Who it is from."""
    server: str
    """The SMTP server, `host` or `host:port`; TLS is used where it is offered."""
    user: str | None = None
    """Who logs in there; nobody without it."""
    password: Secret | None = None
    """The variable with the password: `${NAME}`."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.user is None) != (self.password is None):
            refuse([(("user",), "user and password come together")])
        return self


class Channel(Frozen):
    """One way to tell somebody: `webhook`, `slack`, `email` or `log`."""

    webhook: str | None = None
    """A URL that gets JSON by POST; `${NAME}` is a variable of the environment."""
    secret: Secret | None = None
    """The variable with the key that signs what the webhook gets: `${NAME}`."""
    slack: str | None = None
    """The URL of an incoming webhook of Slack, or of what understands the same."""
    email: Email | None = None
    log: bool = False
    """The watchdog's own log, on stderr."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("webhook", "slack", "email") if getattr(self, name) is not None]
        given += ["log"] if self.log else []
        if len(given) != 1:
            raise ValueError(f"expected one of webhook, slack, email or log, not {' and '.join(given) or 'none'}")
        if self.secret is not None and self.webhook is None:
            refuse([(("secret",), "only a webhook is signed")])
        for name in ("webhook", "slack"):
            url = getattr(self, name)
            if url is not None and not url.startswith(("http://", "https://", "${")):
                refuse([((name,), f"expected a URL (https://…) or ${{NAME}}, not {shortened(url)}")])
        return self

    @property
    def name(self) -> str:
        """What the record of deliveries calls it; URLs and secrets are not told."""
        kinds = {"webhook": self.webhook, "slack": self.slack, "email": self.email and ", ".join(self.email.to)}
        kind, place = next(((kind, place) for kind, place in kinds.items() if place is not None), ("log", ""))
        if kind == "email" or not place:
            return f"{kind} {place}".strip()
        return f"{kind} {re.sub(r'^https?://([^/?#@]*@)?', '', place).split('/')[0]}"


def _log(value: Any) -> Any:
    return {"log": True} if value == "log" else value


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
    notify: tuple[Annotated[Channel, BeforeValidator(_log)], ...] = ()
    """Who is told when an alert opens, grows or closes, and what was done."""
