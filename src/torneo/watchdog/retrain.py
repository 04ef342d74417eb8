"""Training again, with brakes: once for each content of the source, seldom enough, and never twice for one reason.

`requested` is written before, `ended` after. A process that finds a request without its end finishes it: the run goes
on where it stopped, and does nothing if it had come to its end.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from torneo.errors import LockedError, TorneoError, Transient
from torneo.ports import Entry
from torneo.spec.records import digest_of
from torneo.watchdog.alerts import Alert
from torneo.watchdog.desk import Desk
from torneo.watchdog.journal import add_action, ending, happened_at

RETRAIN = "retrain"
DAY = datetime.timedelta(days=1)
CAUSES = 3
LONGEST = 400


def wanted(desk: Desk, open_alerts: Sequence[Alert]) -> Sequence[Alert]:
    """The alerts for which the project asks for a training."""
    return [alert for alert in open_alerts if alert.opened.rule in desk.watch.retrain.when]


def held_back(
    desk: Desk, past: Sequence[Entry], content: str | None, judged: str | None, now: datetime.datetime
) -> str | None:
    """Why nothing is trained now, or None."""
    if content is None:
        return "the source cannot be read"
    if content == judged:
        return "the source has nothing new to train on: it is what the last verdict rests on"
    brakes = desk.watch.retrain
    requests = [each for each in past if _counts(each, now) and (brakes.dry_run or not each.body["dry_run"])]
    for request in requests:
        end = ending(past, request)
        same = (request.body["content"], request.body.get("plan")) == (content, plan(desk))
        if same and end is not None and not end.body.get("again"):
            return f"it has been tried with this content of the source: {end.body['why']}"
    times = [happened_at(request) for request in requests]
    ready = max(times, default=now - DAY) + datetime.timedelta(seconds=brakes.cooldown)
    if times and ready > now:
        return f"the last training was {max(times):%Y-%m-%d %H:%M} UTC: the cooldown ends {ready:%Y-%m-%d %H:%M}"
    recent = [time for time in times if time > now - DAY]
    if len(recent) >= brakes.per_day:
        return f"{len(recent)} trainings in 24 hours: retrain.per_day allows {brakes.per_day}"
    return None


def plan(desk: Desk) -> str:
    """The digest of what the project says of its training: what failed may go well once that is mended."""
    return digest_of(desk.project.model_dump(mode="json", exclude={"watch", "serve"}))


def _counts(entry: Entry, now: datetime.datetime) -> bool:
    """Whether it is a training; one that lies ahead is of a clock that was ahead, or of days that were played."""
    return entry.body["event"] == "requested" and entry.body["what"] == RETRAIN and happened_at(entry) <= now


def request(desk: Desk, past: Sequence[Entry], causes: Sequence[Alert], content: str) -> Entry:
    """Write that a training begins, and why."""
    tried = sum(entry.body.get("what") == RETRAIN and entry.body.get("content") == content for entry in past)
    subjects = [f"{alert.opened.rule} ({alert.opened.subject[:60]})" for alert in causes]
    more = f" and {len(subjects) - CAUSES} more" if len(subjects) > CAUSES else ""
    why = f"{', '.join(subjects[:CAUSES])}{more}"
    body = {
        "event": "requested",
        "what": RETRAIN,
        "content": content,
        "plan": plan(desk),
        "alerts": [alert.opened.alert for alert in causes],
        "why": why,
        "dry_run": desk.watch.retrain.dry_run,
    }
    return add_action(desk.state, desk.name, digest_of([RETRAIN, content, tried])[:32], body, desk.clock.now())


def carry_out(desk: Desk, asked: Entry) -> Entry | None:
    """Train, and write how it ended; None where another run is at it, and the next pass tries again."""
    end = {"event": "ended", "what": RETRAIN, "of": asked.id, "to": desk.to}
    if asked.body["dry_run"]:
        found: dict[str, object] = {
            "status": "dry_run",
            "why": f"nothing was trained (retrain.dry_run): {asked.body['why']}",
        }
    else:
        try:
            done = desk.retrain(asked.body["why"])
        except LockedError:
            return None
        except TorneoError as error:
            again = isinstance(error, Transient)
            found = {"status": "failed", "why": f"the training failed: {error.message}"[:LONGEST], "again": again}
        else:
            found = {
                "status": "retrained",
                "verdict": done.verdict,
                "champion": done.champion,
                "why": f"{done.words} The reason was {asked.body['why']}."[:LONGEST],
            }
    return add_action(desk.state, desk.name, digest_of(["ended", asked.id])[:32], {**end, **found}, desk.clock.now())
