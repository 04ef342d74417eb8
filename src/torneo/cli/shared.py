"""What all commands share: the application they add themselves to, its two consoles and common options."""

from __future__ import annotations

import datetime
import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

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

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPED_WIDTH)

ProjectName = Annotated[
    str | None, typer.Argument(help="A project's name, folder or file; the current folder's without it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
Since = Annotated[datetime.datetime | None, typer.Option(formats=MOMENTS, help="From this moment on (UTC).")]
Until = Annotated[datetime.datetime | None, typer.Option(formats=MOMENTS, help="Before this moment (UTC).")]


def utc(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A moment of the command line, which is in UTC."""
    return None if moment is None else moment.replace(tzinfo=datetime.UTC)


def fail(error: TorneoError) -> None:
    """Print an error for the person who must act."""
    err.print(f"[bold red]error[/bold red] {escape(error.message)}", soft_wrap=True)
    if error.fix:
        err.print(f"[bold green]  fix[/bold green] {escape(error.fix)}", soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    out.print_json(json.dumps(value, default=str, ensure_ascii=False))


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
