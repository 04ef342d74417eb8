"""Telling people: at least once, again after a while where it failed, and never for long in one pass.

What is to be told stands in the streams themselves: an event names its channels, and is told to one of them when the
`delivered` of that channel is there.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torneo.errors import TorneoError
from torneo.ports import Entry
from torneo.spec.records import digest_of
from torneo.watchdog.desk import Desk, Message
from torneo.watchdog.journal import ACTIONS, ALERTS, HAPPENED, happened_at

PATIENCE = datetime.timedelta(days=3)
"""So long a message is tried again."""
PASS_SECONDS = 20.0
"""No message is begun in a pass after so long."""
FIRST, LONGEST = 30, 3600
"""Seconds until the second attempt, and at most until each later one; each time twice as long."""
RECORD = "outbox"


@dataclass
class Told:
    """What a pass has told."""

    delivered: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Channel to what went wrong with it."""
    waiting: int = 0
    given_up: list[str] = field(default_factory=list)
    """What will not be told any more, and why."""


def deliver(desk: Desk) -> Told:
    """Tell what is to be told and due; call it under the watchdog's lock."""
    told, began, now = Told(), time.monotonic(), desk.clock.now()
    attempts = dict(desk.state.get(desk.name, RECORD) or {})
    before = dict(attempts)
    for entry, key in _undelivered(desk):
        place = f"{entry.id}/{key}"
        number, due = attempts.get(place, [0, ""])
        if key not in desk.channels and desk.channels and happened_at(entry) >= now - PATIENCE:
            _end(desk, entry, key, "passed_on")
        elif key not in desk.channels or happened_at(entry) < now - PATIENCE:
            why = "nobody could be told in three days" if key in desk.channels else "there is no channel any more"
            told.given_up.append(f"{_message(desk, entry).title}: {why}")
            _end(desk, entry, key, "gave_up")
        elif key in told.failed or time.monotonic() - began > PASS_SECONDS or due > now.isoformat():
            told.waiting += 1
            continue
        else:
            try:
                desk.channels[key](_message(desk, entry))
            except TorneoError as error:
                told.failed[key] = error.message
                told.waiting += 1
                pause = datetime.timedelta(seconds=min(LONGEST, FIRST * 2**number))
                attempts[place] = [number + 1, (now + pause).isoformat()]
                continue
            _end(desk, entry, key, "delivered")
            told.delivered += 1
        attempts.pop(place, None)
    if attempts != before:
        desk.state.put(desk.name, RECORD, attempts or None)
    return told


def _undelivered(desk: Desk) -> Iterator[tuple[Entry, str]]:
    """What is to be told, in the order in which it happened, with the key of a channel.

    What a channel that is gone has not told, its address having been wrong perhaps, is for those that there are now.
    """
    happened = desk.state.read(desk.name, ALERTS)
    ends = [entry.body for entry in happened if entry.body["event"] not in HAPPENED]
    done = {(body["of"], body["channel"]) for body in ends}
    passed_on = {body["of"] for body in ends if body["event"] == "passed_on"}
    entries: Sequence[Entry] = [entry for entry in happened if entry.body["event"] in HAPPENED]
    actions = [entry for entry in desk.state.read(desk.name, ACTIONS) if entry.body["event"] == "ended"]
    for entry in sorted([*entries, *actions], key=lambda each: (happened_at(each), each.time)):
        named: list[str] = entry.body["to"]
        gone = [key for key in named if key not in desk.channels and (entry.id, key) not in done]
        added = [key for key in desk.channels if key not in named] if gone or entry.id in passed_on else []
        for key in dict.fromkeys([*gone, *named, *added]):
            if (entry.id, key) not in done:
                yield entry, key


def _end(desk: Desk, entry: Entry, key: str, how: str) -> None:
    body = {"event": how, "of": entry.id, "channel": key}
    desk.state.append(desk.name, ALERTS, digest_of([how, entry.id, key])[:32], body)


def _message(desk: Desk, entry: Entry) -> Message:
    body: dict[str, Any] = dict(entry.body)
    event = body["event"] if body["event"] in HAPPENED else body["status"]
    about = {name: body[name] for name in ("rule", "subject", "alert") if name in body}
    return Message(id=entry.id, event=event, project=desk.name, time=happened_at(entry), why=body["why"], **about)
