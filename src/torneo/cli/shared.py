"""What all commands share: the application they add themselves to, its two consoles and common options."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from torneo.cli import code_of
from torneo.errors import TorneoError

app = typer.Typer(
    name="torneo",
    help="One YAML file to a governed, champion-challenger machine learning service for tabular data.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PIPED_WIDTH = 140
"""Columns of a table that goes into a file or a pipe, where nobody knows the width."""

out = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False, emoji=False, width=None if sys.stderr.isatty() else PIPED_WIDTH)

ProjectName = Annotated[
    str | None, typer.Argument(help="A project's name, folder or file; the current folder's without it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def _moment(text: str) -> datetime.datetime:
    try:
        read = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"expected a day or a moment such as 2026-03-31 or 2026-03-31T14:05:59.250Z, not {text[:40]!r}"
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=datetime.UTC)


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=datetime.UTC).date()
    except ValueError:
        raise typer.BadParameter(f"expected a day such as 2026-03-31, not {text[:40]!r}") from None


def day_option(name: str, help: str) -> Any:  # noqa: A002 - typer's word
    """An option that takes a day."""
    return typer.Option(name, parser=_day, metavar="DAY", help=help)


def moment_option(help: str) -> Any:  # noqa: A002 - typer's word
    """An option that takes a day or a moment as they are printed: ISO 8601, in UTC if it names no zone."""
    return typer.Option(parser=_moment, metavar="MOMENT", help=help)


Since = Annotated[datetime.datetime | None, moment_option("From this day or moment on (UTC).")]
Until = Annotated[datetime.datetime | None, moment_option("Before this day or moment (UTC).")]


def fail(error: TorneoError) -> None:
    """Print an error for the person who must act."""
    err.print(f"[bold red]error[/bold red] {escape(error.message)}", soft_wrap=True)
    if error.fix:
        err.print(f"[bold green]  fix[/bold green] {escape(error.fix)}", soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    out.print_json(json.dumps(value, default=str, ensure_ascii=False))


@contextmanager
def failing_as_json(*, json: bool) -> Iterator[None]:
    """Print an error on stdout, too, for a program that has asked for JSON and gets nothing else."""
    try:
        yield
    except TorneoError as error:
        if json:
            told = {"kind": type(error).__name__, "message": error.message, "fix": error.fix, "code": code_of(error)}
            print_json({"error": told})
        raise


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        import torneo

        out.print(f"torneo {torneo.__version__}")
        raise typer.Exit
    del context
