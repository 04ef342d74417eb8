"""What is served, and what was answered, as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from torneo.cli.render import table
from torneo.ports import Entry, Logged
from torneo.promotion import Champion
from torneo.serving.traffic import Traffic

if TYPE_CHECKING:
    from torneo.spec.replay_records import Replayed


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


def log_table(console: Console, name: str, lines: Sequence[Logged]) -> None:
    """Logged predictions."""
    made = table(f"{name}: predictions", "when", "#version", "role", "#prediction", "#outcome", "#ms", "id")
    for line in lines:
        made.add_row(
            f"{line.time:%Y-%m-%d %H:%M:%S}",
            str(line.version),
            line.role,
            escape(_shown(line.output.get("prediction"))),
            escape(_shown(line.outcome)),
            f"{line.latency_ms:.1f}",
            line.id,
        )
    console.print(made if lines else "no such line")


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def replay_lines(console: Console, done: Replayed, task: str) -> None:
    """What was replayed, what was not, and how far the two versions' answers are apart."""
    console.print(
        f"version {done.version} against version {done.against}: {done.replayed:,} of {done.lines:,} answers of "
        f"champions replayed, {done.labelled:,} of them with an outcome, {done.judged:,} judged",
        soft_wrap=True,
    )
    for parts, what in ((done.left_out, "not replayed"), (done.not_judged, "not judged")):
        for reason, count in parts.items():
            console.print(f"  {count:,} {what}: {reason}", markup=False)
    if done.difference is not None and task == "regression":
        console.print(f"mean absolute difference of their answers: {done.difference:.4g}")
    elif done.difference is not None:
        console.print(f"share of rows whose class they differ on: {done.difference:.2%}")
