"""What is watched, as tables and lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from torneo.watchdog.shown import Known
from torneo.watchdog.watchdog import Passed

COLOURS = {"opened": "red", "grew": "red", "closed": "green"}


def passed_lines(console: Console, passed: Passed) -> None:
    """A pass: what happened, what is open, what was done."""
    about = "" if passed.champion is None else f" version {passed.champion}"
    console.print(f"[bold]{passed.project}[/bold]{about}: {passed.windows} windows, {len(passed.open)} alerts open")
    for note in passed.notes:
        console.print(f"  {escape(note)}", soft_wrap=True)
    for event in passed.events:
        colour = COLOURS[event.event]
        told = f"[{colour}]{event.event}[/{colour}] {event.rule} {escape(event.subject)}: {escape(event.why)}"
        console.print(f"  {told}", soft_wrap=True)
    fresh = {event.alert for event in passed.events}
    for alert in passed.open:
        if alert.alert not in fresh:
            console.print(
                f"  [red]open[/red] {alert.rule} {escape(alert.subject)}: {escape(alert.why)}", soft_wrap=True
            )
    _doings(console, passed)


def _doings(console: Console, passed: Passed) -> None:
    """What was done, what holds it back, and who could not be told."""
    told = [
        *(f"[bold]{escape(done)}[/bold]" for done in passed.done),
        *(f"would {escape(would)}" for would in passed.would),
        *(f"[yellow]not trained[/yellow]: {escape(why)}" for why in (passed.held_back,) if why is not None),
        *(f"[yellow]not told yet[/yellow]: {escape(why)}" for why in passed.undelivered),
        *(f"[red]never told[/red] {escape(why)}" for why in passed.given_up),
    ]
    if passed.waiting and not passed.undelivered:
        told.append(f"[yellow]{passed.waiting} messages wait to be told again[/yellow]")
    for line in told:
        console.print(f"  {line}", soft_wrap=True)


def alerts_table(console: Console, project: str, known: Sequence[Known], *, everything: bool) -> None:
    """Alerts, a row each."""
    if not known:
        console.print(f"no alert {'was ever' if everything else 'is'} open for {project}")
        return
    table = Table(title=f"alerts of {project}", title_justify="left")
    for name in ("since", "until", "rule", "about", "why", "done"):
        table.add_column(name)
    for each in known:
        table.add_row(
            f"{each.since:%Y-%m-%d %H:%M}",
            "[red]open[/red]" if each.until is None else f"{each.until:%Y-%m-%d %H:%M}",
            each.rule,
            escape(each.subject),
            escape(each.why),
            escape("\n".join(each.done)),
        )
    console.print(table)
