"""Commands about the data: quarantine, profile, expectations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from torneo.cli import Exit
from torneo.cli.progress import TerminalProgress
from torneo.cli.shared import Json, ProjectName, app, err, failing_as_json, out, print_json

if TYPE_CHECKING:
    from torneo.api import Project
    from torneo.spec.records import GateReport

quarantine = typer.Typer(help="The rows that the gate refused, as they came, with all their reasons.")
app.add_typer(quarantine, name="quarantine", no_args_is_help=True)


@quarantine.command()
def show(
    project: ProjectName = None,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="How many rows to show.")] = 20,
    json: Json = False,
) -> None:
    """Show refused rows and how many there are of each reason."""
    from torneo import api
    from torneo.cli.render import quarantine_tables
    from torneo.engines.quarantine import head

    opened = api.Project.load(project)
    report, refused = opened.gate(), head(opened.quarantine(), rows)
    if json:
        print_json({"reasons": dict(report.reasons), "rows": refused})
        return
    quarantine_tables(out, opened.name, report, refused)


@quarantine.command()
def export(
    project: ProjectName = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")] = Path("rejected.csv"),
) -> None:
    """Write all refused rows to a CSV file, with lines and reasons; `retry --file` takes it back corrected."""
    from torneo import api
    from torneo.engines.quarantine import export as write

    opened = api.Project.load(project)
    count = write(opened.quarantine(), output)
    out.print(f"wrote {count:,} rows to {output}", markup=False)


@quarantine.command()
def retry(
    project: ProjectName = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Corrected rows (CSV) to be loaded in their place.")
    ] = None,
    json: Json = False,
) -> None:
    """Gate the refused rows again with today's contract; a load takes in those that now pass."""
    from torneo import api

    opened = api.Project.load(project)
    if opened.loads_a_table or file is not None:
        _reload(opened, file, json=json)
        return
    with failing_as_json(json=json), TerminalProgress(err) as progress:
        report = opened.retry(progress)
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        _still_refused(report, project or "")
    if report.rejected.rows:
        raise typer.Exit(Exit.FINDINGS)


def _still_refused(report: GateReport, project: str) -> None:
    out.print(f"{report.accepted.rows:,} of {report.rows:,} refused rows pass the present contract")
    for reason, count in sorted(report.reasons.items(), key=lambda item: -item[1]):
        out.print(f"  still refused: {count:,} {reason}", markup=False)
    if report.accepted.rows:
        out.print(f"take them in with:  torneo run {project}", markup=False)


def _reload(opened: Project, file: Path | None, *, json: bool) -> None:
    from torneo.cli.render_load import retried

    with failing_as_json(json=json), TerminalProgress(err) as progress:
        done = opened.reload(progress, file=file)
    if json:
        print_json(done.model_dump(mode="json"))
    else:
        retried(out, done)
    if done.load.status == "rejected_rows":
        raise typer.Exit(Exit.FINDINGS)


@app.command()
def profile(
    project: ProjectName = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")] = Path("profile.html"),
) -> None:
    """Write a page that describes the data: distributions, missing values, relations, oddities."""
    from torneo import api

    opened = api.Project.load(project)
    with TerminalProgress(err) as progress:
        page = opened.profile(progress)
    output.write_text(page, encoding="utf-8")
    out.print(f"wrote [bold]{escape(str(output))}[/bold]")


@app.command()
def expectations(
    project: ProjectName = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")] = Path("expectations"),
) -> None:
    """Write the contract as a Great Expectations suite, with Data Docs of the last snapshot (extra: gx)."""
    from torneo import api

    opened = api.Project.load(project)
    with TerminalProgress(err) as progress:
        page = opened.expectations(output, progress)
    out.print(f"wrote [bold]{escape(str(page))}[/bold]")
