"""One pass over one project: finish what was begun, look, tell, act, and tell again."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from torneo.errors import TorneoError
from torneo.ports import Entry
from torneo.spec.frozen import Frozen
from torneo.watchdog import journal, outbox, retrain, rollback
from torneo.watchdog.alerts import Alert, AlertEvent, Told, following
from torneo.watchdog.desk import Desk
from torneo.watchdog.evaluate import (
    Source,
    evaluate_outcomes,
    evaluate_source,
    evaluate_windows,
    outcomes_done,
    outcomes_until,
)
from torneo.watchdog.rollback import Reign, reign
from torneo.watchdog.source import judged_on

CARRY_OUT: dict[str, Callable[[Desk, Entry], Entry | None]] = {
    retrain.RETRAIN: retrain.carry_out,
    rollback.ROLLBACK: rollback.carry_out,
}


class Passed(Frozen):
    """What a pass found and did."""

    project: str
    champion: int | None = None
    """The version that was watched; None where there is none yet."""
    windows: int = 0
    """How many windows were looked at."""
    events: tuple[AlertEvent, ...] = ()
    """What happened to alerts."""
    open: tuple[AlertEvent, ...] = ()
    """The last event of each alert that is open now."""
    done: tuple[str, ...] = ()
    """What was done, in words."""
    would: tuple[str, ...] = ()
    """What would be done, were this not a dry run."""
    held_back: str | None = None
    """Why nothing is trained although an alert asks for it."""
    delivered: int = 0
    undelivered: tuple[str, ...] = ()
    """What went wrong with channels; it is tried again."""
    waiting: int = 0
    """Messages that are still to be told."""
    given_up: tuple[str, ...] = ()
    """Messages that will not be told any more, and why."""
    notes: tuple[str, ...] = ()


def lock_name(project: str) -> str:
    """The lock that a watchdog of a project holds."""
    return f"watchdog/{project}"


def watch(desk: Desk) -> Passed:
    """Make a pass; call it under the project's watchdog lock.

    Raises:
        LockedError: the lock was lost; another watchdog is at work.
        TorneoError: a store does not answer.
    """
    present = reign(desk)
    if present is None:
        return Passed(project=desk.name, notes=(f"it has no champion yet: torneo run {desk.name}",))
    before = len(journal.events(desk.state, desk.name))
    done, would = _finish(desk), []
    present = reign(desk) or present
    source = _source(desk)
    windows = _look(desk, present, source)
    told = _deliver(desk)
    asked, held = _back(desk, present) or _again(desk, source)
    if asked is not None:
        if desk.dry:
            would.append(f"{asked.body['what']}: {asked.body['why']}")
        else:
            done += _carried(desk, [asked])
            present = reign(desk) or present
            windows += _look(desk, present, _source(desk))
            again = _deliver(desk)
            told = outbox.Told(
                told.delivered + again.delivered,
                told.failed | again.failed,
                again.waiting,
                told.given_up + again.given_up,
            )
    happened = [event for event, _ in journal.events(desk.state, desk.name)][before:]
    return Passed(
        project=desk.name,
        champion=present.champion.number,
        windows=windows,
        events=tuple(happened),
        open=tuple(alert.last for alert in _open(desk)),
        done=tuple(done),
        would=tuple(would),
        held_back=held,
        delivered=told.delivered,
        undelivered=tuple(told.failed.values()),
        waiting=told.waiting,
        given_up=tuple(told.given_up),
    )


def _finish(desk: Desk) -> list[str]:
    """End what a process that died had begun."""
    begun = journal.pending(journal.actions(desk.state, desk.name))
    return [] if desk.dry else _carried(desk, begun)


def _carried(desk: Desk, requests: Sequence[Entry]) -> list[str]:
    ends = [CARRY_OUT[each.body["what"]](desk, each) for each in requests]
    return [f"{end.body['status'].replace('_', ' ')}: {end.body['why']}" for end in ends if end is not None]


def _source(desk: Desk) -> Source:
    judged = judged_on(desk.state, desk.name)
    try:
        return Source(desk.fingerprint(), judged)
    except TorneoError as error:
        return Source(None, judged, error)


def _look(desk: Desk, present: Reign, source: Source) -> int:
    """Evaluate all that is new, and let the alerts follow; gives how many windows there were."""
    _follow(desk)
    evaluate_source(desk, source, present)
    _follow(desk)
    windows = evaluate_windows(desk, present)
    until = outcomes_until(desk)
    if until is not None:
        evaluate_outcomes(desk, present, until)
    _follow(desk)
    return windows


def _follow(desk: Desk) -> None:
    """Write what happens to alerts by each evaluation, in order; what was written before changes nothing."""
    told: Sequence[Told] = journal.evaluations(desk.state, desk.name, desk.clock.now())
    done = journal.followed(desk.state, desk.name)
    if not told or told[-1].sequence <= done:
        return
    known = journal.alerts(desk.state, desk.name)
    for count, each in enumerate(told, 1):
        if each.sequence > done:
            for event in following(known, told[:count], desk.watch.persistence, desk.to):
                journal.add_event(desk.state, desk.name, event, desk.clock.now())
            known = journal.alerts(desk.state, desk.name)
    journal.set_followed(desk.state, desk.name, told[-1].sequence)


def _open(desk: Desk) -> list[Alert]:
    found = journal.alerts(desk.state, desk.name).values()
    return sorted((alert for alert in found if alert.is_open), key=_since)


def _since(alert: Alert) -> datetime.datetime:
    assert alert.since is not None  # noqa: S101 - it comes from a stream
    return alert.since


def _deliver(desk: Desk) -> outbox.Told:
    return outbox.Told() if desk.dry else outbox.deliver(desk)


def _back(desk: Desk, present: Reign) -> tuple[Entry | None, str | None] | None:
    """Whether to go back to the champion before; None if not."""
    until = outcomes_until(desk)
    if until is None:
        return None
    past = journal.actions(desk.state, desk.name)
    asked = rollback.look(desk, past, present) if desk.watch.rollback else None
    outcomes_done(desk, until)
    return None if asked is None else (asked, None)


def _again(desk: Desk, source: Source) -> tuple[Entry | None, str | None]:
    """Whether to train again, or what holds it back."""
    causes = retrain.wanted(desk, _open(desk))
    if not causes:
        return None, None
    past = journal.actions(desk.state, desk.name)
    if journal.pending(past):
        return None, "another run is at it"
    held = retrain.held_back(desk, past, source.content, source.judged, desk.clock.now())
    if held is not None or source.content is None:
        return None, held
    return retrain.request(desk, past, causes, source.content), None
