"""Commands that serve."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from torneo.cli.shared import app, err


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
    from torneo import promotion, server
    from torneo.errors import UnavailableError
    from torneo.runtime import Runtime
    from torneo.serving.keys import list_keys
    from torneo.spec.settings import settings

    def tell(names: Sequence[str]) -> None:
        err.print(
            f"serving {', '.join(names)} on [bold]http://{host}:{port}[/bold]; /docs describes it, Ctrl-C ends it"
        )
        found = settings()
        with suppress(UnavailableError):  # a server starts without the state store, too
            state = Runtime(found).state
            for name in names:
                if promotion.champion(state, name) is None:
                    err.print(f"[yellow]{name} has no champion: it answers 503 until[/yellow]  torneo run {name}")
            if found.serve.auth == "on" and not list_keys(state):
                err.print("[yellow]no key exists yet:[/yellow]  torneo keys create NAME --scope predict")

    server.serve(projects or [None], host, port, workers, tell)
