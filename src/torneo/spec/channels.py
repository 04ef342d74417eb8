"""Whom `watch.notify` tells, and how; what is secret of it is named by a variable, and shown in no message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from torneo.errors import SourceError
from torneo.spec.frozen import Frozen, Place, refuse, shortened
from torneo.spec.settings import VARIABLE, variable

SECRET = re.compile(r"\$\{\w+\}")
PORT = re.compile(r":([0-9]+)$")
LAST_PORT = 65535
CHANNELS = "log, {slack: ${SLACK_URL}}, {webhook: ${URL}} or {email: {to: …, from: …, server: …}}"
PLAIN = frozenset({"to", "from", "sender", "server", "user", "log"})
"""What a message may show of a channel; the rest, misspelt keys too, may be secret."""


def may_tell(place: Place, value: object) -> bool:
    """Whether a message may show the value at a place of project.yaml: URLs and passwords of channels are not shown.

    >>> may_tell(("watch", "notify", 0, "webhook"), "https://user:pass@host"), may_tell(("watch", "window"), "1x")
    (False, True)
    """
    if place[:2] != ("watch", "notify") or not isinstance(value, str):
        return True
    plain = value == "log" or not PLAIN.isdisjoint(place)
    return SECRET.fullmatch(value) is not None or (plain and re.search(r"://|:[^@]*@", value) is None)


def _from_environment(text: str) -> str:
    if SECRET.fullmatch(text) is None:
        raise ValueError("a secret does not belong into a file: name a variable of the environment, such as ${SECRET}")
    return text


Secret = Annotated[str, AfterValidator(_from_environment), Field(json_schema_extra={"pattern": f"^{SECRET.pattern}$"})]
"""The name of a variable that holds a secret: `${NAME}`."""


def _addresses(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of addresses, such as [ops@example.org]")  # noqa: TRY004 - pydantic reads it
    return value


def _address(text: str) -> str:
    name, _, host = text.rpartition("@")
    if not name or not host:
        raise ValueError(f"expected an address such as ops@example.org, not {shortened(text)}")
    return text


def _server(text: str) -> str:
    port = PORT.search(text)
    if port is not None and not 0 < int(port[1][:9]) <= LAST_PORT:
        raise ValueError(f"there is no port {port[1][:20]}: write HOST:PORT with a port from 1 to {LAST_PORT}")
    return text


def _url(text: str) -> str:
    """The URL itself may be a secret, and is not told."""
    if not text.startswith(("http://", "https://", "${")):
        raise ValueError("expected a URL (https://…) or ${NAME}")
    if not VARIABLE.search(text) and not _has_a_place(text):
        raise ValueError(f"expected https://HOST/… or https://HOST:PORT/… with a port from 1 to {LAST_PORT}")
    return text


def _has_a_place(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


Address = Annotated[str, AfterValidator(_address)]
Server = Annotated[str, AfterValidator(_server)]
Url = Annotated[str, AfterValidator(_url)]


class Email(Frozen):
    """Where a message goes by e-mail, and through which server."""

    to: Annotated[tuple[Address, ...], Field(min_length=1), BeforeValidator(_addresses)]
    """Who gets it."""
    sender: Address = Field(alias="from")
    """Who it is from."""
    server: Server
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

    webhook: Url | None = None
    """A URL that gets JSON by POST; `${NAME}` is a variable of the environment."""
    secret: Secret | None = None
    """The variable with the key that signs what the webhook gets: `${NAME}`."""
    slack: Url | None = None
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
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that it needs."""
        parts = [self.webhook, self.secret, self.slack, self.email and self.email.password]
        return tuple(dict.fromkeys(name for part in parts if part for name in VARIABLE.findall(part)))

    @property
    def name(self) -> str:
        """What the record of deliveries calls it; URLs and secrets are not told."""
        kinds = {"webhook": self.webhook, "slack": self.slack, "email": self.email and ", ".join(self.email.to)}
        kind, place = next(((kind, place) for kind, place in kinds.items() if place is not None), ("log", ""))
        if kind == "email" or not place:
            return f"{kind} {place}".strip()
        return f"{kind} {re.sub(r'^https?://([^/?#@]*@)?', '', place).split('/')[0]}"


def _channel(value: Any) -> Any:
    if value == "log":
        return {"log": True}
    if isinstance(value, dict | Channel):
        return value
    raise ValueError(f"expected a channel: {CHANNELS}")


def _channels(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of channels, such as [log] or [{slack: ${SLACK_URL}}]")  # noqa: TRY004
    return value


Channels = Annotated[tuple[Annotated[Channel, BeforeValidator(_channel)], ...], BeforeValidator(_channels)]
"""Those who are told."""


def unset(channels: Sequence[Channel]) -> Iterator[tuple[str, str]]:
    """Each variable that a channel needs and that has no value, as what is wrong with it and the fix."""
    for channel in channels:
        for name in channel.variables:
            try:
                variable(name)
            except SourceError as error:
                kind = channel.name.split(maxsplit=1)[0]
                yield f"watch.notify: nobody can be told by {kind}: {error.message}", error.fix or ""
