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
    for done in passed.done:
        console.print(f"  [bold]{escape(done)}[/bold]", soft_wrap=True)
    for would in passed.would:
        console.print(f"  would {escape(would)}", soft_wrap=True)
    if passed.held_back is not None:
        console.print(f"  [yellow]not trained[/yellow]: {escape(passed.held_back)}", soft_wrap=True)
    for why in passed.undelivered:
        console.print(f"  [yellow]not told yet[/yellow]: {escape(why)}", soft_wrap=True)


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
