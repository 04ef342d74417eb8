"""Commands about versions and who is champion: compare, promote, rollback, history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from torneo.cli.progress import TerminalProgress
from torneo.cli.shared import Json, ProjectName, app, err, out, print_json

Why = Annotated[str, typer.Option("--why", "-w", help="The reason, for the record.")]


@app.command()
def compare(
    project: ProjectName = None,
    version: Annotated[int | None, typer.Option(help="The version to judge; the newest without it.")] = None,
    against: Annotated[int | None, typer.Option(help="The version it is judged against; the champion.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")] = None,
    json: Json = False,
) -> None:
    """Judge one version against another on rows that neither has seen; nothing is promoted."""
    from torneo import api
    from torneo.cli.render import decision_tables

    opened = api.Project.load(project)
    with TerminalProgress(err) as progress:
        decision = opened.compare(version, against, progress)
    if html is not None:
        from torneo.reports.decision import decision_page

        html.write_text(decision_page(decision, opened.name), encoding="utf-8")
        err.print(f"  wrote {html}", markup=False)
    if json:
        print_json(decision.model_dump(mode="json"))
        return
    decision_tables(out, decision)


@app.command()
def promote(
    project: Annotated[str, typer.Argument(help="The project.")],
    version: Annotated[int, typer.Argument(help="The version's number.")],
    why: Why,
) -> None:
    """Make a version champion by hand; who and why go into the history."""
    from torneo import api

    opened = api.Project.load(project)
    opened.promote(version, why)
    back = escape(f"torneo rollback {project} --why …")
    out.print(f"version {version} of {opened.name} is champion; back with:  {back}")


@app.command()
def rollback(project: Annotated[str, typer.Argument(help="The project.")], why: Why) -> None:
    """Make the previous champion champion again."""
    from torneo import api

    opened = api.Project.load(project)
    opened.rollback(why)
    champion = opened.champion()
    number = "none" if champion is None else champion.number
    out.print(f"version {number} of {opened.name} is champion again")


@app.command()
def history(project: ProjectName = None, json: Json = False) -> None:
    """Show every decision (when, who, what, why) and change of the traffic, or every load. The chain is verified."""
    from torneo import api
    from torneo.cli.render import history_table
    from torneo.cli.render_load import loads_table
    from torneo.cli.render_serving import traffic_table
    from torneo.serving.traffic import traffic_history

    opened = api.Project.load(project)
    entries, changes = opened.history(), traffic_history(opened.runtime.state, opened.name)
    if json:
        print_json([entry.model_dump(mode="json") for entry in entries])
        return
    (loads_table if opened.loads_a_table else history_table)(out, opened.name, entries)
    traffic_table(out, changes)
