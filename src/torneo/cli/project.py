"""Commands about a project as a whole: init, check, schema, run, status, doctor."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from torneo.cli import Exit
from torneo.cli.progress import TerminalProgress
from torneo.cli.shared import Json, ProjectName, app, day_option, err, failing_as_json, out, print_json

if TYPE_CHECKING:
    from torneo.api import Project
    from torneo.orchestration.local import RunReport, StepReport

Date = Annotated[datetime.date | None, day_option("--date", "A load: the run's date; today.")]
First = Annotated[datetime.date | None, day_option("--from", "A load: first day.")]
Last = Annotated[datetime.date | None, day_option("--to", "A load: last day.")]


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file.", exists=False)],
    target: Annotated[str | None, typer.Option("--target", "-t", help="The column to predict.")] = None,
    name: Annotated[str | None, typer.Option(help="The project's name; the file's name without it.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")] = Path("project.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Draft project.yaml from a data file: types, ranges, keys, dates, leaks, task and metric."""
    from torneo.draft.project import draft
    from torneo.errors import ConflictError

    if output.exists() and not force:
        raise ConflictError(f"{output} is there already", fix="--force replaces it, --output writes elsewhere")
    drafted = draft(file, target, name=name, folder=output.parent)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(drafted.text, encoding="utf-8")
    for note in drafted.notes:
        err.print(f"  [yellow]note[/yellow] {escape(note)}", soft_wrap=True)
    out.print(f"wrote [bold]{escape(str(output))}[/bold]; read it, then:  torneo run" + escape(_where(output)))


def _where(output: Path) -> str:
    return "" if output == Path("project.yaml") else f" {output}"


@app.command()
def check(project: ProjectName = None, date: Date = None, first: First = None, last: Last = None) -> None:
    """Validate project.yaml and its data without training, or without loading the days."""
    from torneo import api

    opened = api.Project.load(project)
    with TerminalProgress(err) as progress:
        findings = opened.check(progress, date=date, first=first, last=last)
    for finding in findings:
        out.print(f"[green]✓[/green] {escape(finding)}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of project.yaml, for editors: of a project that trains, or of one that loads."""
    from torneo.spec.loading import project_schema

    print_json(project_schema())


@app.command()
def run(
    projects: Annotated[list[str] | None, typer.Argument(help="Projects; the current folder's without any.")] = None,
    date: Date = None,
    first: First = None,
    last: Last = None,
    force: Annotated[bool, typer.Option("--force", help="Run all steps again, although nothing has changed.")] = False,
    json: Json = False,
) -> None:
    """Bring projects up to date: gate the data, then train, judge and promote on evidence, or load a table."""
    from torneo import api

    reports = []
    for where in projects or [""]:
        with failing_as_json(json=json):
            opened = api.Project.load(where or None)
            err.print(f"[bold]{opened.name}[/bold]")
            with TerminalProgress(err) as progress:
                report = opened.run(progress, _tell, date=date, first=first, last=last, force=force)
        reports.append(report)
        if not json:
            _show(opened, report, where)
    if json:
        print_json([_plain(report) for report in reports])


def _show(opened: Project, report: RunReport, where: str) -> None:
    from torneo.cli.render import run_report
    from torneo.cli.render_load import load_report
    from torneo.spec.load_records import LoadReport

    if "report" in report.results:
        load_report(out, LoadReport.model_validate(report.results["report"]), unchanged=report.unchanged)
    else:
        run_report(out, opened.training, report, where)


def _tell(step: StepReport) -> None:
    if step.status == "unchanged":
        err.print(f"  [dim]{step.name}: unchanged[/dim]")
    else:
        err.print(f"  [green]{step.name}[/green] {step.seconds:.1f} s  [dim]{escape(step.why)}[/dim]")


def _plain(report: RunReport) -> dict[str, object]:
    return report.model_dump(mode="json")


@app.command()
def status(project: ProjectName = None, json: Json = False) -> None:
    """Show what each step did last, who is champion, and who takes part beside."""
    from torneo import api
    from torneo.cli.render import status_table
    from torneo.cli.render_serving import beside_lines

    opened = api.Project.load(project)
    known, champion, beside = opened.status(), opened.champion(), opened.traffic()
    if opened.loads_a_table:
        _status_of_load(opened, known, json=json)
        return
    if json:
        plain = {name: None if body is None else dict(body) for name, body in known.items()}
        present = None if champion is None else champion.model_dump()
        print_json({"steps": plain, "champion": present, "traffic": beside.model_dump(mode="json")})
        return
    status_table(out, opened.name, known, champion)
    beside_lines(out, beside)


def _status_of_load(opened: Project, known: Mapping[str, Mapping[str, Any] | None], *, json: bool) -> None:
    from torneo.cli.render import status_table
    from torneo.cli.render_load import load_report
    from torneo.spec.load_records import LoadReport

    loads = opened.history()
    last = LoadReport.model_validate(dict(loads[-1].body)) if loads else None
    if json:
        print_json({"steps": known, "load": None if last is None else last.model_dump(mode="json")})
        return
    status_table(out, opened.name, known, None)
    if last is not None:
        load_report(out, last)


@app.command()
def doctor(json: Json = False) -> None:
    """Look for what is wrong with this installation, with the fix for each finding."""
    from torneo.cli.render import findings_table
    from torneo.doctor import examine

    findings = examine()
    if json:
        print_json([finding.model_dump() for finding in findings])
    else:
        findings_table(out, findings)
    if any(not finding.good for finding in findings):
        raise typer.Exit(Exit.FINDINGS)
