"""Commands that predict the rows of a file, and logged ones again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from torneo.cli import Exit
from torneo.cli.progress import TerminalProgress
from torneo.cli.shared import Json, ProjectName, Since, Until, app, err, out, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from torneo.predictions import Predicted

STDOUT = Path("-")
SHOWN_REASONS = 8


@app.command()
def predict(
    project: Annotated[str, typer.Argument(help="The project; left out in its own folder.")],
    file: Annotated[
        str | None,
        typer.Argument(help="CSV, Parquet or JSON lines: rows as the contract has them, with or without target."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--out", "-o", help="Where to write: a .parquet or .csv file, or - for CSV on stdout.")
    ] = Path("predictions.parquet"),
    rejected: Annotated[
        Path | None, typer.Option(help="Where refused rows go; without it beside the output, as NAME.rejected.csv.")
    ] = None,
    version: Annotated[int | None, typer.Option(help="The version that answers; the champion without it.")] = None,
    log: Annotated[bool, typer.Option("--log", help="Write the answers to the log of predictions, too.")] = False,
    json: Json = False,
) -> None:
    """Predict the rows of a file, of any size, as the server would; ends with 13 if rows were refused.

    The output has the file's columns as they came, and the answers beside. Refused rows are kept with their reasons.
    """
    from torneo import api

    to_stdout = output == STDOUT
    if to_stdout and json:
        raise typer.BadParameter("the rows go to stdout already: give --out a file", param_hint="--json")
    refused = rejected or (Path("predictions") if to_stdout else output).with_suffix(".rejected.csv")
    where, rows = (None, project) if file is None else (project, file)
    opened = api.Project.load(where)
    with TerminalProgress(err) as progress:
        done = opened.predict(
            rows, sys.stdout.buffer if to_stdout else output, refused, progress, version=version, log=log
        )
    if json:
        print_json({**done.model_dump(mode="json"), "out": str(output)})
    else:
        _show(err if to_stdout else out, done, str(output))
    if done.rejected:
        raise typer.Exit(Exit.FINDINGS)


def _show(console: Console, done: Predicted, where: str) -> None:
    logged = ", and to the log" if done.logged else ""
    console.print(
        f"version {done.version} answered {done.predicted:,} of {done.rows:,} rows: to {where}{logged}",
        soft_wrap=True,
        markup=False,
    )
    if done.warned:
        console.print(f"  {done.warned:,} rows break a range that the project lets pass: column warnings")
    if done.rejected_file is not None:
        console.print(
            f"  refused {done.rejected:,} rows: {done.rejected_file} has them with their reasons",
            soft_wrap=True,
            markup=False,
        )
    for reason, count in list(done.reasons.items())[:SHOWN_REASONS]:
        console.print(f"    {count:,} {reason}", markup=False)


@app.command()
def replay(
    version: Annotated[int, typer.Option(help="The version to judge.")],
    project: ProjectName = None,
    against: Annotated[int | None, typer.Option(help="The version it is judged against; the champion.")] = None,
    since: Since = None,
    until: Until = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")] = None,
    json: Json = False,
) -> None:
    """Judge a version on logged traffic and its outcomes; nothing is promoted.

    It answers again what champions answered. Without enough outcomes it says how far the answers are apart, and ends
    with 10.
    """
    from torneo import api
    from torneo.cli.render import decision_tables
    from torneo.cli.render_serving import replay_lines
    from torneo.errors import ConflictError
    from torneo.ports import LogFilter

    opened = api.Project.load(project)
    with TerminalProgress(err) as progress:
        done = opened.replay(version, against, progress, LogFilter(since=since, until=until))
    if json:
        print_json(done.model_dump(mode="json"))
    else:
        replay_lines(out, done, opened.training.task)
    if done.decision is None:
        fix = f"torneo log outcomes {opened.name} FILE reports what happened; POST /outcomes does, too"
        raise ConflictError(f"there is no verdict: {done.undecided}", fix=fix)
    if html is not None:
        from torneo.reports.decision import decision_page

        html.write_text(decision_page(done.decision, opened.name), encoding="utf-8")
        err.print(f"  wrote {html}", soft_wrap=True, markup=False)
    if not json:
        decision_tables(out, done.decision)
