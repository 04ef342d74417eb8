"""What is served, and what was answered, as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from torneo.cli.render import table
from torneo.ports import Entry
from torneo.promotion import Champion
from torneo.serving.traffic import Traffic


def named(version: Champion | None) -> str:
    """A version for people."""
    if version is None:
        return "none"
    return f"version {version.number} ({escape(version.challenger)}, {version.digest[:12]})"


def traffic_lines(console: Console, champion: Champion | None, present: Traffic) -> None:
    """Who takes part."""
    console.print(f"champion: [bold]{'none yet' if champion is None else named(champion)}[/bold]")
    beside_lines(console, present, always=True)


def beside_lines(console: Console, present: Traffic, *, always: bool = False) -> None:
    """Who takes part beside the champion; empty roles only if asked."""
    if present.challenger is not None:
        console.print(f"challenger: {named(present.challenger)}, answers {present.share:.1%} of the subjects")
    elif always:
        console.print("challenger: none")
    if present.shadow is not None or always:
        console.print(f"shadow: {named(present.shadow)}")


def traffic_table(console: Console, entries: Sequence[Entry]) -> None:
    """All changes of who takes part beside the champion."""
    made = table("traffic", "#", "when", "#challenger", "#share", "#shadow", "by", "why")
    for entry in entries:
        changed = Traffic.model_validate(entry.body["traffic"])
        numbers = ["" if one is None else str(one.number) for one in (changed.challenger, changed.shadow)]
        made.add_row(
            str(entry.sequence),
            f"{entry.time:%Y-%m-%d %H:%M}",
            numbers[0],
            f"{changed.share:.1%}" if changed.challenger else "",
            numbers[1],
            escape(entry.body["by"]),
            escape(entry.body["why"]),
        )
    if entries:
        console.print(made)
