"""Alerts as a pure function of what was found: they open, grow and close, one at a time for each subject of a rule.

Everything follows from two streams. Replaying what has been taken in changes nothing, so a process may die anywhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from torneo.spec.frozen import Frozen
from torneo.spec.records import digest_of
from torneo.spec.watchdog import Persistence
from torneo.watchdog.findings import Evaluation, Finding, Rule

GROWTH = 2.0
"""An open alert is told of again when it has become so many times as bad, or lasts under another champion."""
AT_ONCE = Persistence(bad=1, of=1, good=1)
"""New data is a fact and not a measurement: nothing is gained by waiting."""


class Told(NamedTuple):
    """An evaluation as it stands in its stream."""

    sequence: int
    evaluation: Evaluation


class AlertEvent(Frozen):
    """Something that happened to an alert."""

    event: Literal["opened", "grew", "closed"]
    alert: str
    """The id of the alert."""
    rule: Rule
    subject: str
    evaluation: int
    """The number of the evaluation that it follows from."""
    window: str
    version: int
    """The champion that was judged."""
    value: float
    bar: float
    size: float
    why: str
    to: tuple[str, ...] = ()
    """The channels that are told."""

    @property
    def identity(self) -> str:
        """What makes writing it twice harmless."""
        return digest_of([self.event, self.rule, self.subject, self.evaluation])[:32]


class Alert(NamedTuple):
    """An alert as it stands after its events."""

    opened: AlertEvent
    last: AlertEvent
    since: datetime.datetime | None = None
    """When it was opened."""

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return self.last.event != "closed"


Subject = tuple[Rule, str]


def standing(events: Sequence[tuple[AlertEvent, datetime.datetime | None]]) -> Mapping[Subject, Alert]:
    """The last alert of each subject, after all events with their times, oldest first."""
    alerts: dict[Subject, Alert] = {}
    for event, time in events:
        known = alerts.get((event.rule, event.subject))
        if event.event == "opened" or known is None:
            alerts[event.rule, event.subject] = Alert(event, event, time)
        else:
            alerts[event.rule, event.subject] = known._replace(last=event)
    return alerts


def following(
    alerts: Mapping[Subject, Alert], told: Sequence[Told], persistence: Persistence, to: tuple[str, ...] = ()
) -> Sequence[AlertEvent]:
    """What happens to the alerts by the last of the evaluations, the earlier ones being what was found before it.

    A subject that has had an event by this evaluation, or by a later one, is left as it is.
    """
    if not told:
        return []
    number, latest = told[-1]
    found = {(each.rule, each.subject): each for each in latest.findings}
    concerned = [*found, *(subject for subject in alerts if subject not in found and subject[0] in latest.rules)]
    events = []
    for subject in concerned:
        alert = alerts.get(subject)
        if alert is not None and alert.last.evaluation >= number:
            continue
        asked = AT_ONCE if subject[0] == "data" else persistence
        event = _next(alert, found.get(subject), list(_verdicts(subject, told)), asked, latest.version)
        if event is not None:
            events.append(_event(event, alert, subject, number, latest, found.get(subject), to))
    return events


def _verdicts(subject: Subject, told: Sequence[Told]) -> Iterator[bool]:
    """Whether each window was bad, the newest first; a window that was looked at again counts as it was last."""
    version = told[-1].evaluation.version
    windows: dict[str, tuple[str, int, bool]] = {}
    for number, each in told:
        if subject[0] in each.rules and each.version == version:
            bad = any((one.rule, one.subject) == subject for one in each.findings)
            windows[each.window] = (each.place, number, bad)
    for *_, bad in sorted(windows.values(), reverse=True):
        yield bad


def _next(
    alert: Alert | None, found: Finding | None, verdicts: Sequence[bool], asked: Persistence, version: int
) -> Literal["opened", "grew", "closed"] | None:
    lasting = verdicts[:1] == [True] and sum(verdicts[: asked.of]) >= asked.bad
    if alert is None or not alert.is_open:
        return "opened" if found is not None and lasting else None
    if found is not None and alert.last.version != version:  # what it was told by belongs to another champion
        return "grew" if lasting else None
    if found is not None:
        return "grew" if found.size >= GROWTH * max(alert.last.size, 1.0) else None
    good = verdicts[: asked.good]
    return "closed" if len(good) == asked.good and not any(good) else None


def _event(
    event: Literal["opened", "grew", "closed"],
    alert: Alert | None,
    subject: Subject,
    number: int,
    latest: Evaluation,
    found: Finding | None,
    to: tuple[str, ...],
) -> AlertEvent:
    last = None if alert is None else alert.last
    why = f"it is good again; it was: {last.why}" if found is None and last is not None else found.why if found else ""
    known = found or last
    assert known is not None  # noqa: S101 - an alert that closes has been opened
    rule, name = subject
    opens = event == "opened" or alert is None
    return AlertEvent(
        event=event,
        alert=digest_of([rule, name, number])[:16] if opens or alert is None else alert.opened.alert,
        rule=rule,
        subject=name,
        evaluation=number,
        window=latest.window,
        version=latest.version,
        value=known.value,
        bar=known.bar,
        size=known.size,
        why=why,
        to=to,
    )
