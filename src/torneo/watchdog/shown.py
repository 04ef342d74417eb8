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
    happened: dict[str, list[tuple[AlertEvent, datetime.datetime]]] = {}
    for event, time in journal.events(state, project):
        happened.setdefault(event.alert, []).append((event, time))
    actions = journal.actions(state, project)
    known = [_known(events, actions) for events in happened.values()]
    return [each for each in known if everything or each.until is None]


def _known(events: Sequence[tuple[AlertEvent, datetime.datetime]], actions: Sequence[Entry]) -> Known:
    (first, opened), (last, ended) = events[0], events[-1]
    told = next(event for event, _ in reversed(events) if event.event != "closed" or len(events) == 1)
    return Known(
        alert=first.alert,
        rule=first.rule,
        subject=first.subject,
        since=opened,
        until=ended if last.event == "closed" else None,
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
        what = "a training was begun" if end is None else f"{end.body['status'].replace('_', ' ')}: {end.body['why']}"
        told.append(f"{journal.happened_at(end or request):%Y-%m-%d %H:%M} {what}")
    return told
