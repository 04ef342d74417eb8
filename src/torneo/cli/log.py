"""Commands about the log of predictions."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from torneo.cli import Exit
from torneo.cli.progress import TerminalProgress
from torneo.cli.shared import Json, ProjectName, Since, Until, app, err, moment_option, out, print_json

log = typer.Typer(help="The log of predictions: what was answered, and what came of it.")
app.add_typer(log, name="log", no_args_is_help=True)


def _role(text: str | None) -> str | None:
    from torneo.ports import Role

    if text is not None and text not in get_args(Role):
        raise typer.BadParameter(f"{text[:40]!r} is none of {', '.join(get_args(Role))}")
    return text


def _pair(text: str) -> str:
    if "=" not in text:
        raise typer.BadParameter(f"expected NAME=VALUE, not {text[:80]!r}")
    return text


def _pairs(given: list[str] | None) -> list[str] | None:
    return [_pair(text) for text in given or []]


def _keep(text: str) -> datetime.timedelta:
    from torneo.spec.source import parse_days

    try:
        return datetime.timedelta(days=parse_days(text))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"expected days or weeks such as 90d or 12w, not {text[:40]!r}") from None


OfVersion = Annotated[int | None, typer.Option(help="Answers of this version only.")]
OfRole = Annotated[
    str | None, typer.Option("--role", callback=_role, help="Answers in this role only: champion, challenger, shadow.")
]
Labelled = Annotated[bool | None, typer.Option("--labelled/--unlabelled", help="With an outcome only, or without.")]
Key = Annotated[
    list[str] | None,
    typer.Option("--key", callback=_pairs, help="NAME=VALUE of the contract's key; once for each of its columns."),
]


@log.command()
def show(
    project: ProjectName = None,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="How many lines to show.")] = 20,
    since: Since = None,
    until: Until = None,
    version: OfVersion = None,
    role: OfRole = None,
    labelled: Labelled = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Show the last lines, newest first, with their outcomes."""
    from torneo import api
    from torneo.cli.render_serving import log_table
    from torneo.log import entity_of
    from torneo.ports import LogFilter, Role

    opened = api.Project.load(project)
    entity = entity_of(opened.training, opened.runtime.secret, dict(_split(key))) if key else None
    wanted = LogFilter(
        since=since,
        until=until,
        version=version,
        role=cast("Role | None", role),
        labelled=labelled,
        entity=entity,
    )
    lines = opened.runtime.predictions.page(opened.training.project, wanted, limit=rows)
    if json:
        print_json([line.model_dump(mode="json") for line in lines])
        return
    log_table(out, opened.name, lines)


def _split(key: list[str]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in key]
    return [(name, value) for name, _, value in pairs]


@log.command()
def export(
    project: ProjectName = None,
    output: Annotated[Path, typer.Option("--out", "-o", help="A .parquet or .csv file.")] = Path("log.parquet"),
    since: Since = None,
    until: Until = None,
    version: OfVersion = None,
    role: OfRole = None,
    labelled: Labelled = None,
    json: Json = False,
) -> None:
    """Write lines with their outcomes to a file, oldest first; of any number, in little memory."""
    from torneo import api
    from torneo.log import export as write
    from torneo.ports import LogFilter, Role

    opened = api.Project.load(project)
    wanted = LogFilter(since=since, until=until, version=version, role=cast("Role | None", role), labelled=labelled)
    with TerminalProgress(err) as progress:
        rows = write(opened.runtime.predictions, opened.training.project, wanted, output, progress)
    if json:
        print_json({"rows": rows, "out": str(output)})
    else:
        out.print(f"wrote {rows:,} lines to {output}", soft_wrap=True, markup=False)


@log.command()
def outcomes(
    project: Annotated[str, typer.Argument(help="The project; left out in its own folder.")],
    file: Annotated[
        str | None, typer.Argument(help="CSV, Parquet or JSON lines: prediction_id and value, or the target.")
    ] = None,
    json: Json = False,
) -> None:
    """Report what really happened; a later report corrects an earlier one. Ends with 13 if rows were left out."""
    from torneo import api
    from torneo.log import report_outcomes

    where, rows = (None, project) if file is None else (project, file)
    opened = api.Project.load(where)
    with TerminalProgress(err) as progress:
        done = report_outcomes(opened.runtime, opened.training, opened.folder, rows, progress)
    if json:
        print_json(done.model_dump(mode="json"))
    else:
        out.print(f"recorded {done.recorded:,} outcomes of {done.rows:,} rows")
        for count, what in (
            (done.empty, "without an outcome"),
            (done.unknown, "about predictions that the log does not have"),
            (done.refused, "with an outcome that breaks the contract"),
        ):
            if count:
                out.print(f"  {count:,} {what}")
        for example in done.examples:
            out.print(f"    {example}", markup=False, soft_wrap=True)
    if done.unknown or done.refused:
        raise typer.Exit(Exit.FINDINGS)


@log.command()
def prune(
    project: ProjectName = None,
    before: Annotated[datetime.datetime | None, moment_option("Older lines go (UTC).")] = None,
    keep: Annotated[
        datetime.timedelta | None, typer.Option(parser=_keep, metavar="DAYS", help="Lines of so long stay: 90d, 12w.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many lines would go.")] = False,
    json: Json = False,
) -> None:
    """Remove old lines for good, with their outcomes."""
    from torneo import api
    from torneo.log import count_before

    opened = api.Project.load(project)
    if (before is None) == (keep is None):
        raise typer.BadParameter("say which lines: --before DATE, or --keep 90d")
    moment = opened.runtime.clock.now() - keep if keep is not None else before
    assert moment is not None  # noqa: S101 - for the type checker
    name, found = opened.training.project, opened.runtime.predictions
    lines = count_before(found, name, moment) if dry_run else found.prune(name, moment)
    if json:
        print_json({"removed": 0 if dry_run else lines, "older": lines, "before": moment.isoformat()})
    else:
        told = "would be removed" if dry_run else "removed"
        out.print(f"{lines:,} lines from before {moment:%Y-%m-%d %H:%M} UTC {told}")


@log.command()
def erase(project: ProjectName = None, key: Key = None, json: Json = False) -> None:
    """Remove all lines about one subject for good, with their outcomes."""
    from torneo import api
    from torneo.log import entity_of

    opened = api.Project.load(project)
    entity = entity_of(opened.training, opened.runtime.secret, dict(_split(key or [])))
    lines = opened.runtime.predictions.erase(opened.name, entity)
    if json:
        print_json({"removed": lines})
    else:
        out.print(f"{lines:,} lines removed")
