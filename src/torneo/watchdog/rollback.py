"""Back to the champion before, when outcomes prove the new one worse on the same rows.

The one before answers the rows that the new one has answered and whose outcomes are known, and a paired test compares
them. The rows are looked at when there are `min_outcomes` of them, and each time that they have doubled; the k-th look
may err with half the chance of the one before it, so that all looks together err with the judge's.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from torneo import promotion
from torneo.errors import TorneoError, Transient
from torneo.judge.compare import p_worse, score
from torneo.judge.predictions import Predictions
from torneo.judge.rules import Rules
from torneo.metrics import UndefinedMetricError
from torneo.ports import Entry, LogFilter
from torneo.promotion import Champion
from torneo.spec.frozen import Frozen
from torneo.spec.records import digest_of
from torneo.spec.watchdog import Performance
from torneo.watchdog.desk import BY, Desk
from torneo.watchdog.journal import add_action, ending
from torneo.watchdog.outcomes import HORIZON, Labelled, labelled

ROLLBACK = "rollback"
LOOKS = 6
"""A champion that has withstood so many looks is not fresh any more."""


class Reign(Frozen):
    """A champion, when it became one, and who was before."""

    champion: Champion
    previous: Champion | None
    since: datetime.datetime
    by: str
    action: str
    digest: str
    """The digest of the decision that made it champion."""

    @property
    def may_end(self) -> bool:
        """Whether the watchdog may end it: what a person has decided stands."""
        return self.previous is not None and self.action == "promote" and self.by == "judge"


def reign(desk: Desk) -> Reign | None:
    """The present one."""
    found = None
    for entry in promotion.history(desk.state, desk.name):
        now = entry.body.get("champion")
        if now is not None and (found is None or found.champion.digest != now["digest"]):
            found = Reign(
                champion=Champion.model_validate(now),
                previous=entry.body["previous"] and Champion.model_validate(entry.body["previous"]),
                since=entry.time,
                by=entry.body["by"],
                action=entry.body["action"],
                digest=entry.digest,
            )
    return found


def bundle_info(desk: Desk, present: Reign) -> Mapping[str, Any]:
    """The champion's bundle.json."""
    info: Mapping[str, Any] = json.loads(desk.objects.get(f"{present.champion.bundle}/bundle.json"))
    return info


def look(desk: Desk, past: Sequence[Entry], present: Reign) -> Entry | None:
    """Look at a fresh champion if it is time to; gives the request to go back, if it is worse."""
    looked = [each for each in past if each.body["event"] == "looked" and each.body["reign"] == present.digest]
    if looked and looked[-1].body["worse"]:
        asked = request(desk, present, str(looked[-1].body["why"]))
        return asked if ending(past, asked) is None else None
    if not present.may_end or len(looked) >= LOOKS:
        return None
    least = (desk.watch.performance or Performance()).min_outcomes
    since = max(present.since, desk.clock.now() - HORIZON)
    rows = labelled(desk.log, desk.name, desk.project.classes, LogFilter(version=present.champion.number, since=since))
    number = len(looked)
    if len(rows) < least * 2**number:
        return None
    assert present.previous is not None  # noqa: S101 - it may end
    judged = _compare(desk, present.champion, present.previous, rows, number)
    body = {"event": "looked", "what": ROLLBACK, "reign": present.digest, "rows": len(rows), **judged}
    told = add_action(desk.state, desk.name, digest_of(["looked", present.digest, number])[:32], body, desk.clock.now())
    return request(desk, present, str(told.body["why"])) if told.body["worse"] else None


def _compare(desk: Desk, fresh: Champion, before: Champion, rows: Labelled, number: int) -> dict[str, object]:
    rules = Rules.of(desk.project, "holdout")
    level = rules.level / 2 ** (number + 1)
    try:
        new = rows.predictions()
        old = rows.predictions(desk.rescore(before, rows.parsed()))
        chance = p_worse(old, new, rules)
        scores = _scores(old, new, rules)
    except UndefinedMetricError as error:
        return {"worse": False, "why": str(error)[:300]}
    except Transient:
        raise
    except TorneoError as error:
        why = f"version {fresh.number} was not compared with version {before.number}: {error.message}"
        return {"worse": False, "why": why[:300]}
    why = (
        f"by {len(rows):,} outcomes version {fresh.number} has {rules.metric.name} {scores[1]:.4g} and version "
        f"{before.number} {scores[0]:.4g} on the same rows (p = {chance:.2g}, the bar is {level:.2g})"
    )
    return {"worse": chance < level, "p_value": chance, "level": level, "scores": scores, "why": why}


def _scores(old: Predictions, new: Predictions, rules: Rules) -> list[float]:
    return [score(each, rules.metric, "holdout") for each in (old, new)]


def request(desk: Desk, present: Reign, why: str) -> Entry:
    """Write that the champion goes."""
    body = {
        "event": "requested",
        "what": ROLLBACK,
        "champion": present.champion.digest,
        "version": present.champion.number,
        "why": why,
    }
    return add_action(desk.state, desk.name, digest_of([ROLLBACK, present.digest])[:32], body, desk.clock.now())


def carry_out(desk: Desk, asked: Entry) -> Entry | None:
    """Go back, unless the champion has gone already; None where the registry cannot be had now."""
    now = promotion.champion(desk.state, desk.name)
    end = {"event": "ended", "what": ROLLBACK, "of": asked.id, "to": desk.to}
    try:
        if now is not None and now.digest == asked.body["champion"]:
            promotion.rollback(desk.state, desk.registry, desk.name, by=BY, why=asked.body["why"], owner=desk.owner)
        now = promotion.champion(desk.state, desk.name)
    except Transient:
        return None
    except TorneoError as error:
        found: dict[str, object] = {
            "status": "failed",
            "why": f"version {asked.body['version']} stays: {error.message}"[:300],
        }
    else:
        number = None if now is None else now.number
        why = f"version {number} is champion in place of {asked.body['version']}: {asked.body['why']}"
        found = {"status": "rolled_back", "champion": number, "why": why}
    return add_action(desk.state, desk.name, digest_of(["ended", asked.id])[:32], {**end, **found}, desk.clock.now())
