"""The command that plays traffic which never was."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from torneo.cli.progress import TerminalProgress
from torneo.cli.shared import Json, app, err, out, print_json

if TYPE_CHECKING:
    from torneo.api import Project
    from torneo.rehearsing import Rehearsed
    from torneo.simulating import Day, Played, Wanted
    from torneo.simulation.plan import Perturbation

REASONS = 3


def _seconds(text: str) -> float:
    from torneo.spec.watchdog import parse_length

    try:
        return float(parse_length(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _check_together(*, outcomes: bool, later: int, server: str | None, grow: Path | None, watch: bool) -> None:
    if not outcomes and grow is not None:
        raise typer.BadParameter("rows without an outcome teach nothing: leave out --no-outcomes", param_hint="--grow")
    if server is not None and later:
        raise typer.BadParameter("a server dates outcomes itself: leave it out", param_hint="--outcomes-after")
    if server is not None and watch:
        raise typer.BadParameter("a server has a watchdog of its own: torneo watch", param_hint="--watch")


Days = Annotated[int, typer.Option(min=1, max=3660, help="How many days are played.")]
PerDay = Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows of each day.")]
Drift = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND:COLUMN=AMOUNT",
        help="A change: shift (in standard deviations), scale (a factor), or of a share of the rows missing, "
        "new_category, swap, flip, prior. Of the target, it changes what happens.",
    ),
]
After = Annotated[int, typer.Option(min=0, metavar="DAYS", help="So many days come before the change.")]
Over = Annotated[int, typer.Option(min=0, metavar="DAYS", help="The change grows over so many days; 0: at once.")]
OutcomesAfter = Annotated[int, typer.Option(min=0, metavar="DAYS", help="So long after the answers outcomes come.")]
Outcomes = Annotated[bool, typer.Option("--outcomes/--no-outcomes", help="Whether outcomes are reported.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="FILE", help="Rows to play, with the target; else unseen accepted ones.")
]
Along = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The rows of each date of this column are a day, as they are; no --per-day."),
]
Grow = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Add the answered rows with their outcomes to this CSV source.")
]
Through = Annotated[
    str | None, typer.Option(metavar="URL", help="Ask a running server, now; else the log gets days to come.")
]
Key = Annotated[str | None, typer.Option(envvar="TORNEO_API_KEY", help="An API key of the server.")]
Pace = Annotated[float, typer.Option(parser=_seconds, metavar="TIME", help="How long a day takes, such as 2s.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds play equal days.")]
Watch = Annotated[
    bool, typer.Option("--watch", help="Have the watchdog pass at the end of each day: alerts, retraining, promotion.")
]
Reset = Annotated[bool, typer.Option("--reset", help="Remove simulated lines from the log; play nothing.")]


@app.command()
def simulate(
    project: Annotated[str, typer.Argument(help="The project.")],
    days: Days = 5,
    per_day: PerDay = 200,
    drift: Drift = None,
    after: After = 0,
    over: Over = 0,
    outcomes_after: OutcomesAfter = 0,
    outcomes: Outcomes = True,
    file: From = None,
    along: Along = None,
    grow: Grow = None,
    through: Through = None,
    key: Key = None,
    pace: Pace = 0.0,
    seed: Seed = 0,
    watch: Watch = False,
    reset: Reset = False,
    json: Json = False,
) -> None:
    """Play a project's rows as the traffic of days to come, with chosen drift, and report what happened then.

    Simulated lines have the key `simulated` in the log; `torneo watch --simulated` looks at them.
    """
    from torneo import api
    from torneo.simulating import Wanted, forget
    from torneo.simulating import simulate as play
    from torneo.simulation.plan import Plan

    opened = api.Project.load(project)
    if reset:
        out.print(f"{forget(opened.runtime, opened.training):,} simulated lines removed")
        _tell_of_alerts(opened, project)
        return
    _check_together(outcomes=outcomes, later=outcomes_after, server=through, grow=grow, watch=watch)
    later = outcomes_after if outcomes else None
    changes = _perturbations(drift or [])
    plan = Plan(days=days, per_day=per_day, drift=changes, after=after, over=over, outcomes=later, seed=seed)
    wanted = Wanted(plan=plan, file=file, server=through, key=key, grow=grow, pace=pace, along=along)
    if watch:
        _rehearse(opened, wanted, json=json)
        return
    with TerminalProgress(err) as progress:
        played = play(opened.runtime, opened.training, opened.folder, wanted, progress, _nobody if json else _tell)
    if json:
        print_json(played.model_dump(mode="json"))
    else:
        _show(played, None if through is not None else project)


def _tell_of_alerts(opened: Project, project: str) -> None:
    from torneo.watching import known_alerts

    left = len(known_alerts(opened.runtime, opened.name))
    if left:
        out.print(
            f"{left} alerts stay open as they were; the next windows without what they are about close them: "
            f"torneo alerts {project}",
            soft_wrap=True,
        )


def _rehearse(opened: Project, wanted: Wanted, *, json: bool) -> None:
    """Play and watch: a table that grows on a terminal, and stays at the end."""
    from rich.console import Group
    from rich.live import Live

    from torneo.cli.render_rehearsal import outcome, rehearsal_table
    from torneo.rehearsing import rehearse

    days: list[Rehearsed] = []
    progress = TerminalProgress(err)

    def picture() -> Group:
        return Group(rehearsal_table(opened.name, days), progress.bars)

    with Live(get_renderable=picture, console=err, transient=True) if err.is_terminal else nullcontext():
        played = rehearse(opened.runtime, opened.training, opened.folder, wanted, progress, days.append)
    if json:
        told = [day.model_dump(mode="json") for day in days]
        print_json(played.model_dump(mode="json") | {"watched": told})
        return
    out.print(rehearsal_table(opened.name, days))
    out.print()
    went = outcome(days)
    if went is not None:
        out.print(went, soft_wrap=True)
    _show(played, None)


def _perturbations(given: list[str]) -> tuple[Perturbation, ...]:
    from torneo.simulation.plan import parse_perturbation

    try:
        return tuple(parse_perturbation(text) for text in given)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--drift") from None


def _nobody(day: Day) -> None:
    """JSON has all days at the end."""


def _tell(day: Day) -> None:
    change = f", changed by {day.strength:.0%}" if day.strength else ""
    refused = f", {day.refused:,} refused" if day.refused else ""
    version = "nobody" if day.version is None else f"version {day.version}"
    date = "" if day.of is None else f" (rows of {day.of})"
    out.print(f"{day.day}{date}: {version} answered {day.answered:,} rows{refused}{change}", soft_wrap=True)
    for reason, count in list(day.reasons.items())[:REASONS]:
        out.print(f"  {count:,} {reason}", markup=False)


def _show(played: Played, watched: str | None) -> None:
    often = "once" if played.turns == 1 else f"{played.turns:.2g} times"
    out.print(f"played {played.kind}: there are {played.rows:,}, each was played {often} by now")
    grown = f", {played.grown:,} rows added to the file" if played.grown else ""
    out.print(f"{played.outcomes:,} outcomes reported{grown}")
    if played.grown and played.turns > 1:
        out.print("rows came again: who was trained on those that were added knows them, which flatters its scores")
    if watched is not None:
        out.print(f"the simulated time is {played.until:%Y-%m-%d %H:%M} UTC: torneo watch {watched} --simulated")
