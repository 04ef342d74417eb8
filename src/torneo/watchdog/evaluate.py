"""Rules over what is new since the last pass: each window, the outcomes that came, the source. Writes what it finds."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torneo.errors import TorneoError
from torneo.ports import LogFilter
from torneo.ports.prediction_log import EPOCH
from torneo.ports.refusals import MINUTE, REQUESTS, Refused
from torneo.spec.watchdog import parse_window
from torneo.watchdog.alerts import Told
from torneo.watchdog.desk import Desk
from torneo.watchdog.drifting import Drifting
from torneo.watchdog.findings import Evaluation, Finding, Rule
from torneo.watchdog.journal import add_evaluation, evaluations
from torneo.watchdog.outcomes import HORIZON, ends, labelled
from torneo.watchdog.performance import performance
from torneo.watchdog.rollback import Reign, bundle_info
from torneo.watchdog.source import NEW, new_data
from torneo.watchdog.traffic import Traffic, latency, quality
from torneo.watchdog.windows import CATCH_UP, GRACE, Span, due

SCANNED = "watch/outcomes"
"""The record of up to when outcomes were looked at; losing it costs one more look."""


@dataclass(frozen=True)
class Source:
    """The source as it is now."""

    content: str | None
    """The digest of its content; None where it cannot be read."""
    judged: str | None
    """That of the content that the last verdict rests on."""
    error: TorneoError | None = None


def evaluate_source(desk: Desk, source: Source, present: Reign) -> None:
    """Write what is to be said of the source, if it is not what was said last."""
    findings = new_data(source.content, source.judged, source.error) if desk.watch.data else []
    window = source.content or "unreadable"
    last = [each.evaluation for each in _told(desk) if "data" in each.evaluation.rules]
    if findings and source.error is not None and last:  # what was said of its content is not good because it is gone
        findings += [each for each in last[-1].findings if each.subject == NEW]
    known = bool(last) and (last[-1].window, _subjects(last[-1].findings)) == (window, _subjects(findings))
    if known or (not last and not findings):
        return
    found = Evaluation(
        window=window,
        place=desk.clock.now().isoformat(),
        rules=("data",),
        findings=tuple(findings),
        version=present.champion.number,
        content=source.judged or "none",
    )
    add_evaluation(desk.state, desk.name, found)


def _told(desk: Desk) -> Sequence[Told]:
    return evaluations(desk.state, desk.name, desk.clock.now())


def _subjects(findings: Sequence[Finding]) -> list[str]:
    return [each.subject for each in findings]


def evaluate_windows(desk: Desk, present: Reign) -> int:
    """Write what is found in each whole window since the last one; gives how many there were."""
    told = [each.evaluation for each in _told(desk)]
    last = next((each for each in reversed(told) if each.until is not None and "performance" not in each.rules), None)
    start = last.until if last is not None and last.until is not None else present.since
    now, count = desk.clock.now(), 0
    counts = desk.refusals.refused(desk.name, start - MINUTE, now)
    refused = {each.minute: each.number for each in counts if each.reason == REQUESTS}
    ended = [(EPOCH + minute * MINUTE + MINUTE, number) for minute, number in sorted(refused.items())]
    size = parse_window(desk.watch.window)
    for span in due(desk.log, desk.name, size, start, None if last is None else last.last, now, ended):
        add_evaluation(desk.state, desk.name, _window(desk, span, present, counts))
        count += 1
    return count


def _window(desk: Desk, span: Span, present: Reign, counts: Sequence[Refused]) -> Evaluation:
    traffic = Traffic()
    drifting = None if desk.watch.drift is None else Drifting.of(desk, present)
    for frame in span.frames(desk.log, desk.name):
        traffic.add(frame)
        if drifting is not None:
            drifting.add(frame)
    traffic.add_refused(each for each in counts if span.since < EPOCH + each.minute * MINUTE + MINUTE <= span.until)
    rules: list[Rule] = []
    findings: list[Finding] = []
    watch = desk.watch
    asked: Sequence[tuple[Rule, Any]] = (
        ("drift", () if drifting is None else drifting.findings()),
        ("quality", () if watch.quality is None else quality(watch.quality, traffic)),
        ("latency", () if watch.latency is None else latency(watch.latency, traffic)),
    )
    for rule, found in asked:
        if found is not None:
            rules.append(rule)
            findings += found
    return Evaluation(
        window=span.name,
        place=span.place,
        rules=tuple(rules),
        findings=tuple(findings),
        version=present.champion.number,
        since=span.since,
        until=span.until,
        last=span.last,
        rows=traffic.rows,
    )


def outcomes_until(desk: Desk) -> datetime.datetime | None:
    """Up to when outcomes are to be looked at now; None where that has been done."""
    size, now = parse_window(desk.watch.window), desk.clock.now() - GRACE
    until = now if size.seconds is None else EPOCH + (now - EPOCH) // (length := _length(size.seconds)) * length
    scanned = desk.state.get(desk.name, SCANNED)
    return None if scanned is not None and scanned["until"] == until.isoformat() else until


def _length(seconds: int) -> datetime.timedelta:
    return datetime.timedelta(seconds=seconds)


def outcomes_done(desk: Desk, until: datetime.datetime) -> None:
    """Remember that they have been looked at."""
    desk.state.put(desk.name, SCANNED, {"until": until.isoformat()})


def evaluate_outcomes(desk: Desk, present: Reign, until: datetime.datetime) -> None:
    """Write what the outcomes say that were reported since the last time, window by window, where there are enough."""
    told = _told(desk)
    version, since = present.champion.number, _reported_until(told, present)
    asked = desk.watch.performance
    if asked is None:
        _unwatched(desk, told, present, until)
        return
    wanted = LogFilter(version=version, since=max(present.since, until - HORIZON))
    rows = labelled(desk.log, desk.name, desk.project.classes, wanted, since, until)
    if len(rows) < asked.min_outcomes:
        return
    judged = bundle_info(desk, present)["metrics"]
    for end in list(ends(rows, parse_window(desk.watch.window), until))[-CATCH_UP:]:
        part = rows.between(since, end)
        findings = performance(desk.project, judged, part) if len(part) >= asked.min_outcomes else None
        if findings is not None:
            _write(desk, present, since, end, tuple(findings), len(part))
            since = end


def _reported_until(told: Sequence[Told], present: Reign) -> datetime.datetime:
    found = [
        each.evaluation.until
        for each in told
        if "performance" in each.evaluation.rules
        and each.evaluation.until is not None
        and each.evaluation.version == present.champion.number
    ]
    return max([present.since, *found])


def _unwatched(desk: Desk, told: Sequence[Told], present: Reign, until: datetime.datetime) -> None:
    """Outcomes that nobody watches any more are good, so that what is open closes."""
    if any("performance" in each.evaluation.rules for each in told):
        _write(desk, present, _reported_until(told, present), until, (), 0)


def _write(
    desk: Desk,
    present: Reign,
    since: datetime.datetime,
    until: datetime.datetime,
    findings: tuple[Finding, ...],
    rows: int,
) -> None:
    found = Evaluation(
        window=f"outcomes/{since.isoformat()}/{until.isoformat()}",
        place=until.isoformat(),
        rules=("performance",),
        findings=findings,
        version=present.champion.number,
        since=since,
        until=until,
        rows=rows,
    )
    add_evaluation(desk.state, desk.name, found)
