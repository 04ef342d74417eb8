"""Alerts as they are shown: since when, until when, why, and what was done."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from torneo.ports import Entry, StateStore
from torneo.spec.frozen import Frozen
from torneo.watchdog import journal
from torneo.watchdog.alerts import AlertEvent
from torneo.watchdog.findings import Rule


class Known(Frozen):
    """One alert from its beginning on."""

    alert: str
    rule: Rule
    subject: str
    since: datetime.datetime
    until: datetime.datetime | None
    """When it was closed; None while it is open."""
    version: int
    """The champion that was judged when it was opened."""
    value: float
    bar: float
    why: str
    """What was found when it was last told."""
    done: tuple[str, ...]
    """What was done because of it."""


def known_alerts(state: StateStore, project: str, *, everything: bool = False) -> Sequence[Known]:
    """Open alerts, or all; the oldest first."""
    happened: dict[str, list[tuple[AlertEvent, Entry]]] = {}
    for event, entry in journal.events(state, project):
        happened.setdefault(event.alert, []).append((event, entry))
    actions = journal.actions(state, project)
    known = [_known(events, actions) for events in happened.values()]
    return [each for each in known if everything or each.until is None]


def _known(events: Sequence[tuple[AlertEvent, Entry]], actions: Sequence[Entry]) -> Known:
    (first, opened), (last, ended) = events[0], events[-1]
    told = next(event for event, _ in reversed(events) if event.event != "closed" or len(events) == 1)
    return Known(
        alert=first.alert,
        rule=first.rule,
        subject=first.subject,
        since=opened.time,
        until=ended.time if last.event == "closed" else None,
        version=first.version,
        value=told.value,
        bar=told.bar,
        why=told.why,
        done=tuple(_done(first.alert, actions)),
    )


def _done(alert: str, actions: Sequence[Entry]) -> list[str]:
    requests = [each for each in actions if each.body["event"] == "requested" and alert in each.body.get("alerts", ())]
    told = []
    for request in requests:
        end = journal.ending(actions, request)
        if end is None:
            told.append(f"{request.time:%Y-%m-%d %H:%M} a training was begun")
        else:
            told.append(f"{end.time:%Y-%m-%d %H:%M} {end.body['status'].replace('_', ' ')}: {end.body['why']}")
    return told
