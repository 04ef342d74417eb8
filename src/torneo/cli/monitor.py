"""Commands about what came of predictions: drift, performance."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from torneo.cli import Exit
from torneo.cli.shared import Json, ProjectName, Since, Until, app, err, out, print_json

if TYPE_CHECKING:
    from torneo.monitoring import LogMonitor
    from torneo.watch.views import Asked


def _window(text: str | None) -> str | None:
    from torneo.spec.watchdog import parse_window

    try:
        if text is not None:
            parse_window(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


Window = Annotated[
    str | None,
    typer.Option("--window", callback=_window, help="6h, 1d or 1000rows; the project's `watch.window` without it."),
]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page, too.")]


@app.command()
def drift(
    project: ProjectName = None,
    since: Since = None,
    until: Until = None,
    window: Window = None,
    html: Page = None,
    evidently: Annotated[
        bool,
        typer.Option("--evidently", help="Archive Evidently's report, too, and show its verdict (extra: evidently)."),
    ] = False,
    json: Json = False,
) -> None:
    """Hold the predictions of a time, the last seven days, against the champion's training rows.

    Ends with 13 if they drifted.
    """
    monitor = _monitor(project)
    asked = _asked(since, until, window)
    view = monitor.drift(asked)
    beside = monitor.evidently(asked) if evidently else None
    if html is not None:
        from torneo.reports.drift_page import drift_page

        _write(html, drift_page(view))
    if json:
        more = {} if beside is None else {"evidently": beside.model_dump(mode="json")}
        print_json({**view.model_dump(mode="json"), **more})
    else:
        from torneo.cli.render_monitor import drift_tables, evidently_table

        drift_tables(out, view)
        if beside is not None:
            evidently_table(out, view, beside)
    if not view.report.rows:
        _elsewhere("drift", monitor, asked, project)
    if view.report.verdict == "drift":
        raise typer.Exit(Exit.FINDINGS)


@app.command()
def performance(
    project: ProjectName = None,
    since: Since = None,
    until: Until = None,
    window: Window = None,
    html: Page = None,
    json: Json = False,
) -> None:
    """Show how good the predictions of a time, the last seven days, were by the outcomes that are known now.

    Before outcomes come there is an estimate, and how far it can be relied on.
    """
    monitor = _monitor(project)
    asked = _asked(since, until, window)
    view = monitor.performance(asked)
    if html is not None:
        from torneo.reports.performance_page import performance_page

        _write(html, performance_page(view))
    if json:
        print_json(view.model_dump(mode="json"))
    else:
        from torneo.cli.render_monitor import performance_tables

        performance_tables(out, view)
    if not view.rows:
        _elsewhere("performance", monitor, asked, project)


def _elsewhere(command: str, monitor: LogMonitor, asked: Asked, project: str | None) -> None:
    """Say when the last predictions were, where nothing was said of when: days that were played lie ahead of now."""
    from torneo.watchdog.windows import moment_of

    last = None if asked.since is not None or asked.until is not None else monitor.last()
    if last is not None:
        day = moment_of(last).date()
        since, until = day - datetime.timedelta(days=6), day + datetime.timedelta(days=1)
        where = "" if project is None else f" {project}"
        err.print(f"there are predictions of {day} and before, in UTC:", soft_wrap=True)
        err.print(f"  torneo {command}{where} --since {since} --until {until}", soft_wrap=True, markup=False)


def _monitor(project: str | None) -> LogMonitor:
    from torneo import api
    from torneo.monitoring import LogMonitor

    opened = api.Project.load(project)
    return LogMonitor.of(opened.runtime, opened.training)


def _asked(since: datetime.datetime | None, until: datetime.datetime | None, window: str | None) -> Asked:
    from torneo.watch.views import Asked

    return Asked(since=since, until=until, window=window)


def _write(file: Path, text: str) -> None:
    from torneo.errors import ConflictError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConflictError(f"{file} cannot be written: {error.strerror}", fix="name a file that can be") from None
    err.print(f"wrote {file}", soft_wrap=True, markup=False)
