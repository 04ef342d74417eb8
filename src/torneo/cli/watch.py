"""Commands about what is watched: watch, alerts."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from torneo.cli import CODES, Exit
from torneo.cli.progress import TerminalProgress
from torneo.cli.shared import Json, ProjectName, app, err, fail, out, print_json

if TYPE_CHECKING:
    from torneo.errors import TorneoError
    from torneo.runtime import Runtime
    from torneo.watchdog.watchdog import Passed
    from torneo.watching import Watched


def _seconds(text: str) -> float:
    from torneo.spec.watchdog import parse_length

    try:
        return float(parse_length(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def watch(
    projects: Annotated[list[str] | None, typer.Argument(help="Projects; the current folder's without any.")] = None,
    every: Annotated[
        float | None, typer.Option(parser=_seconds, metavar="TIME", help="Go on, a pass each 30s, 1m, 1h.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be found and done; do nothing.")] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Take the time up to which torneo simulate has played for now.")
    ] = False,
    json: Json = False,
) -> None:
    """Look at what was served and at the source: open and close alerts, tell people, train again, go back.

    One pass, for schedulers, ends with 13 if an alert is open; a project whose pass fails keeps no other from its
    own, and its error decides how the command ends. With --every it goes on until it is stopped.
    """
    from torneo.errors import TorneoError
    from torneo.runtime import Runtime
    from torneo.spec.settings import settings
    from torneo.watching import watch_once

    if every is not None and dry_run:
        raise typer.BadParameter("a dry run is one pass", param_hint="--every")
    runtime = Runtime(settings())
    watched = [_watched(runtime, where or None)._replace(simulated=simulated) for where in projects or [""]]
    if every is not None:
        _go_on(runtime, watched, every, json=json)
        return
    passed, failed = [], []
    for each in watched:
        try:
            with TerminalProgress(err) as progress:
                passed.append(watch_once(runtime, each, progress, dry=dry_run))
        except TorneoError as error:  # the other projects have their pass all the same
            failed.append(error)
            _came_to_nothing(each.project.project, error)
    if json:
        print_json([each.model_dump(mode="json") for each in passed])
    else:
        _show(passed)
    if failed:
        raise typer.Exit(CODES.get(type(failed[0]), Exit.CRASH))
    if any(each.open for each in passed):
        raise typer.Exit(Exit.FINDINGS)


def _came_to_nothing(project: str, error: TorneoError) -> None:
    err.print(f"[bold]{project}[/bold]: this pass came to nothing", soft_wrap=True)
    fail(error)


def _watched(runtime: Runtime, where: str | None) -> Watched:
    from torneo.errors import ConflictError
    from torneo.runtime import open_project
    from torneo.spec.project import Project
    from torneo.watching import Watched

    project, folder = open_project(runtime.settings, where)
    if not isinstance(project, Project):
        raise ConflictError(f"{project.project} loads a table: it has no model to watch")
    return Watched(project, folder)


def _show(passed: list[Passed]) -> None:
    from torneo.cli.render_watch import passed_lines

    for each in passed:
        passed_lines(out, each)


def _go_on(runtime: Runtime, watched: list[Watched], every: float, *, json: bool) -> None:
    from torneo.watching import watch_on

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    telling = Telling(json=json)
    err.print(f"watching {', '.join(each.project.project for each in watched)} every {every:g} s; stop it with Ctrl-C")
    with TerminalProgress(err) as progress:
        watch_on(runtime, watched, progress, every, ended, telling.passed, telling.trouble)


@app.command()
def alerts(
    project: ProjectName = None,
    everything: Annotated[bool, typer.Option("--all", help="Alerts that have been closed, too.")] = False,
    json: Json = False,
) -> None:
    """Show open alerts: since when, why, and what was done."""
    from torneo.cli.render_watch import alerts_table
    from torneo.runtime import Runtime
    from torneo.spec.settings import settings
    from torneo.watching import known_alerts

    runtime = Runtime(settings())
    watched = _watched(runtime, project)
    known = known_alerts(runtime, watched.project.project, everything=everything)
    if json:
        print_json([each.model_dump(mode="json") for each in known])
        return
    alerts_table(out, watched.project.project, known, everything=everything)


class Telling:
    """Tells of passes that follow one another: of each what is new, and a trouble that lasts once."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._lasting: dict[str, object] = {}
        self._troubles: dict[str, object] = {}

    def passed(self, passed: Passed) -> None:
        """A pass; as JSON each is told of."""
        name = passed.project
        if self._troubles.pop(name, None) is not None:
            err.print(f"[bold]{name}[/bold]: at work again", soft_wrap=True)
        lasting = (passed.held_back, passed.undelivered, passed.notes)
        new = any(lasting) and lasting != self._lasting.get(name)
        self._lasting[name] = lasting
        if self._json:
            typer.echo(passed.model_dump_json())
        elif new or passed.windows or passed.events or passed.done or passed.given_up:
            _show([passed])

    def trouble(self, project: str, error: TorneoError) -> None:
        """A pass that came to nothing; who holds a lock stays the same while its end moves on."""
        from torneo.errors import LockedError

        trouble = error.fix if isinstance(error, LockedError) else error.message
        if self._troubles.get(project) != (type(error), trouble):
            self._troubles[project] = (type(error), trouble)
            _came_to_nothing(project, error)
