"""Days that are played and watched, as a table that grows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from torneo.cli.render import table
from torneo.cli.render_monitor import bar
from torneo.cli.render_watch import COLOURS
from torneo.rehearsing import Rehearsed
from torneo.simulating import Day
from torneo.watchdog.alerts import AlertEvent

SHOWN = 3
"""So many alerts of a kind are named."""
FEWEST = 3
"""With fewer days that have a score, nothing is said of how it went."""
WORST = "performance"


def rehearsal_table(project: str, days: Sequence[Rehearsed]) -> Table:
    """A row per day: who answered, how well, and what the watchdog saw and did at its end."""
    metric = days[0].metric if days else "score"
    made = table(f"{project}: played, and watched", "day", "by", "#rows", "#change", f"#{metric}", "", "at its end")
    made.columns[-1].overflow = "fold"
    most = max((abs(day.score.score) for day in days if day.score and day.score.score is not None), default=0.0)
    for day in days:
        score = None if day.score is None else day.score.score
        bad = any(alert.rule == WORST for alert in day.passed.open)
        share = 0.0 if score is None else abs(score) / max(most, 1.0 if day.bigger_is_better else 0.0, 1e-300)
        played = day.played
        made.add_row(
            _date(played),
            "nobody" if played.version is None else f"version {played.version}",
            f"{played.answered:,}",
            f"{played.strength:.0%}" if played.strength else "",
            "" if score is None else f"{score:.4g}",
            f"[{'red' if bad else 'green'}]{bar(share)}[/]",
            "\n".join(_happened(day)) or "[dim]nothing new[/dim]",
        )
    return made


def _date(day: Day) -> str:
    return f"{day.of or day.day:%a %d %b %Y}"


def _happened(day: Rehearsed) -> list[str]:
    passed = day.passed
    ends = {event.alert: event for event in passed.events}  # what opened and closed in one pass has been dealt with
    begun = {event.alert for event in passed.events if event.event == "opened"}
    told = [event for event in ends.values() if not (event.event == "closed" and event.alert in begun)]
    lines = []
    for kind in COLOURS:
        for rule in sorted({event.rule for event in told if event.event == kind}):
            of_kind = [event for event in told if (event.event, event.rule) == (kind, rule)]
            lines.append(f"[{COLOURS[kind]}]{rule} {kind}[/]: {_named(of_kind)}")
    lines += [f"[bold]{escape(done)}[/bold]" for done in passed.done]
    if passed.held_back is not None:
        lines.append(f"[yellow]not trained[/yellow]: {escape(passed.held_back)}")
    lines += [f"[yellow]not told yet[/yellow]: {escape(why)}" for why in passed.undelivered]
    return lines


def _named(events: Sequence[AlertEvent]) -> str:
    names = [event.subject for event in events]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    why = f" ({events[0].why.split('; ')[0]})" if len(events) == 1 and events[0].event != "closed" else ""
    return escape(", ".join(names[:SHOWN]) + more + why)


def outcome(days: Sequence[Rehearsed]) -> str | None:
    """How it went, in a sentence; None where too little is known."""
    known = [(day.score.score, day) for day in days if day.score is not None and day.score.score is not None]
    if len(known) < FEWEST:
        return None
    (first, _), (last, end) = known[0], known[-1]
    pick = min if end.bigger_is_better else max
    worst, on = pick(known, key=lambda pair: pair[0])
    return (
        f"{end.metric} was {first:.4g} at first, {worst:.4g} at its worst ({_date(on.played)}) and {last:.4g} in "
        f"the end, when version {end.played.version} answered"
    )
