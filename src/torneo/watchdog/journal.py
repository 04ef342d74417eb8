"""What the watchdog keeps: three append-only streams of a project, in which nothing is written twice.

`windows` has what was found, `alerts` what became of it and who was told, `watch` what was done about it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from torneo.ports import Entry, StateStore
from torneo.watchdog.alerts import Alert, AlertEvent, Subject, Told, standing
from torneo.watchdog.findings import Evaluation, Rule

WINDOWS, ALERTS, ACTIONS = "windows", "alerts", "watch"
RECALLED = 500
"""So many evaluations are looked back at."""
RARE: tuple[Rule, ...] = ("performance", "data")
KEPT = 50
"""So many evaluations by a rare rule are remembered beside these: persistence is counted over at most fifty windows."""
REMEMBERED = "watch/remembered"
"""The record of them; losing it costs one reading of the whole stream."""
PASSED = "watch/passed"
FOLLOWED = "watch/followed"
AT = "at"
HAPPENED = ("opened", "grew", "closed")


def evaluations(state: StateStore, project: str, now: datetime.datetime) -> Sequence[Told]:
    """The last evaluations, and the last ones by rules that seldom have something to judge; oldest first.

    Those of windows that end after `now` are left out: a clock was ahead, or days were played that are still to come.
    """
    entries = state.read(project, WINDOWS, last=RECALLED)
    first = entries[0].sequence if entries else 0
    told = [*_remembered(state, project, first), *(_told(entry.sequence, entry.body) for entry in entries)]
    return [each for each in told if each.evaluation.until is None or each.evaluation.until <= now]


def _told(sequence: int, body: Mapping[str, Any]) -> Told:
    return Told(sequence, Evaluation.model_validate(body))


def _remembered(state: StateStore, project: str, first: int) -> Sequence[Told]:
    """The last evaluations by rare rules before the number `first`."""
    record = state.get(project, REMEMBERED) or {"sequence": 0, "kept": []}
    kept: list[list[Any]] = record["kept"]
    if first > record["sequence"] + 1:
        last = state.read(project, WINDOWS, last=1)[-1].sequence
        new = state.read(project, WINDOWS, last=last - record["sequence"])
        rare = [[entry.sequence, entry.body] for entry in new if set(RARE) & set(entry.body["rules"])]
        kept = _last_of_each([*kept, *rare])
        state.put(project, REMEMBERED, {"sequence": last, "kept": kept})
    return [_told(sequence, body) for sequence, body in kept if sequence < first]


def _last_of_each(kept: Sequence[list[Any]]) -> list[list[Any]]:
    numbers = {number for rule in RARE for number, _ in [each for each in kept if rule in each[1]["rules"]][-KEPT:]}
    return [each for each in kept if each[0] in numbers]


def add_evaluation(state: StateStore, project: str, evaluation: Evaluation) -> None:
    """Write what was found; call it under the watchdog's lock."""
    last = state.read(project, WINDOWS, last=1)
    body = evaluation.model_dump(mode="json")
    if last and last[-1].body == body:
        return
    state.append(project, WINDOWS, evaluation.identity(last[-1].sequence if last else 0), body)


def events(state: StateStore, project: str) -> Sequence[tuple[AlertEvent, datetime.datetime]]:
    """All that has happened to alerts, with its time, oldest first."""
    entries = [entry for entry in state.read(project, ALERTS) if entry.body["event"] in HAPPENED]
    return [(_event(entry), happened_at(entry)) for entry in entries]


def _event(entry: Entry) -> AlertEvent:
    return AlertEvent.model_validate({name: value for name, value in entry.body.items() if name != AT})


def happened_at(entry: Entry) -> datetime.datetime:
    """When it happened by the watchdog's clock, which may be that of a simulation."""
    return datetime.datetime.fromisoformat(entry.body[AT])


def alerts(state: StateStore, project: str) -> Mapping[Subject, Alert]:
    """The last alert of each subject."""
    return standing(events(state, project))


def add_event(state: StateStore, project: str, event: AlertEvent, now: datetime.datetime) -> None:
    """Write what happened to an alert."""
    state.append(project, ALERTS, event.identity, {**event.model_dump(mode="json"), AT: now.isoformat()})


def actions(state: StateStore, project: str) -> Sequence[Entry]:
    """What was done, oldest first: each `requested` is followed by its `ended`."""
    return state.read(project, ACTIONS)


def pending(entries: Sequence[Entry]) -> Sequence[Entry]:
    """What was begun and has not ended: a process died over it."""
    ended = {entry.body["of"] for entry in entries if entry.body["event"] == "ended"}
    return [entry for entry in entries if entry.body["event"] == "requested" and entry.id not in ended]


def add_action(
    state: StateStore,
    project: str,
    id: str,  # noqa: A002 - the port's name for it
    body: Mapping[str, Any],
    now: datetime.datetime,
) -> Entry:
    """Write that something begins or has ended."""
    return state.append(project, ACTIONS, id, {**body, AT: now.isoformat()})


def ending(entries: Sequence[Entry], request: Entry) -> Entry | None:
    """How something ended, if it has."""
    return next((each for each in entries if each.body["event"] == "ended" and each.body["of"] == request.id), None)


def followed(state: StateStore, project: str) -> int:
    """The number of the last evaluation that the alerts have followed; losing it costs time only."""
    record = state.get(project, FOLLOWED)
    return 0 if record is None else int(record["sequence"])


def set_followed(state: StateStore, project: str, sequence: int) -> None:
    """Remember that they have."""
    state.put(project, FOLLOWED, {"sequence": sequence})


def last_pass(state: StateStore, project: str) -> datetime.datetime | None:
    """When a watchdog last came to the end of a pass; None where none ever has."""
    record = state.get(project, PASSED)
    return None if record is None else datetime.datetime.fromisoformat(record[AT])


def set_last_pass(state: StateStore, project: str, now: datetime.datetime) -> None:
    """Remember that one has: for `/metrics`, which tells if no other comes."""
    state.put(project, PASSED, {AT: now.isoformat()})
