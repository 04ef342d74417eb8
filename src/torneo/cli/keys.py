"""Commands about API keys: who may ask the server for what."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer
from rich.markup import escape

from torneo.cli.shared import Json, app, err, out, print_json

if TYPE_CHECKING:
    from torneo.runtime import Runtime
    from torneo.serving.keys import Scope

LONGEST_NAME = 80

keys = typer.Typer(help="API keys of the server: who may ask for what.")
app.add_typer(keys, name="keys", no_args_is_help=True)


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > LONGEST_NAME:
        raise typer.BadParameter(f"one line of 1 to {LONGEST_NAME} characters that says who will use the key")
    return text


def _scopes(given: list[str]) -> list[str]:
    from torneo.serving.keys import Scope
    from torneo.spec.frozen import nearest

    known = get_args(Scope)
    for name in given:
        if name not in known:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(known)}{nearest(name, known)}")
    return given


def _lifetime(text: str) -> datetime.timedelta:
    from torneo.spec.source import parse_days

    try:
        lifetime = datetime.timedelta(days=parse_days(text))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"expected days or weeks such as 90d or 12w, not {text[:LONGEST_NAME]!r}") from None
    if not datetime.timedelta() < lifetime < datetime.timedelta(days=36500):
        raise typer.BadParameter("a key lives from one day to a hundred years")
    return lifetime


def _runtime() -> Runtime:
    from torneo.runtime import Runtime
    from torneo.spec.settings import settings

    return Runtime(settings())


@keys.command()
def create(
    name: Annotated[str, typer.Argument(callback=_name, help="Who will use it.")],
    scope: Annotated[
        list[str],
        typer.Option(
            callback=_scopes,
            help="What it may be used for: predict, read, feedback, or admin, which includes all; may be repeated.",
        ),
    ],
    project: Annotated[list[str] | None, typer.Option(help="Good for this project only; may be repeated.")] = None,
    expires: Annotated[
        datetime.timedelta | None, typer.Option(parser=_lifetime, metavar="DAYS", help="How long it lives: 90d, 12w.")
    ] = None,
) -> None:
    """Make a key and print it, alone, on stdout. It is shown this once; only a digest is kept."""
    from torneo.serving.keys import create_key

    runtime = _runtime()
    end = None if expires is None else runtime.clock.now() + expires
    key, text = create_key(
        runtime.state, name, cast("list[Scope]", scope), by=runtime.settings.user, projects=project or (), expires=end
    )
    for unknown in sorted(set(key.projects) - set(runtime.state.projects())):
        err.print(f"  [yellow]note[/yellow] no project {escape(repr(unknown))} has run here yet", soft_wrap=True)
    until = "it does not expire" if end is None else f"it expires on {end:%Y-%m-%d %H:%M} UTC"
    err.print(f"key {key.id}: {until}; it is shown this once; withdraw it with:  torneo keys revoke {key.id} --why …")
    typer.echo(text)


@keys.command("list")
def list_(json: Json = False) -> None:
    """List all keys, those that were revoked or have expired too; secrets are not kept and cannot be shown."""
    from torneo.cli.render import keys_table
    from torneo.serving.keys import list_keys

    runtime = _runtime()
    found, now = list_keys(runtime.state), runtime.clock.now()
    if json:
        print_json([{**key.model_dump(mode="json", exclude={"sha256"}), "status": key.status(now)} for key in found])
        return
    keys_table(out, found, now)


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id, or its whole text.")],
    why: Annotated[str, typer.Option("--why", "-w", help="The reason, for the record.")],
) -> None:
    """Withdraw a key for good; every worker refuses it within seconds."""
    from torneo.serving.keys import revoke_key

    runtime = _runtime()
    revoked = revoke_key(runtime.state, key, by=runtime.settings.user, why=why)
    out.print(f"key {revoked.id} is revoked", soft_wrap=True)
