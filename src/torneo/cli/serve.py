"""Commands that serve."""

from __future__ import annotations

from typing import Annotated

import typer

from torneo.cli.shared import app


@app.command()
def serve(
    projects: Annotated[
        list[str] | None, typer.Argument(help="Names, folders or files of projects; the current folder's without it.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="How many processes answer.", min=1)] = 1,
) -> None:
    """Serve the champions over HTTP; every answer is in the log before it leaves."""
    from torneo import server

    server.serve(projects or [None], host, port, workers)
