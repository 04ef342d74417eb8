"""The command about who takes part beside the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from torneo.cli.shared import Json, ProjectName, app, out, print_json

if TYPE_CHECKING:
    from torneo.api import Project
    from torneo.serving.traffic import Change

NONE = "none"


def _version(text: str) -> int:
    """A version's number; 0 for `none`."""
    if text == NONE:
        return 0
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**31:
        raise typer.BadParameter(f"expected the number of a version, or none, not {text[:40]!r}")
    return int(text)


def _share(text: str) -> float:
    from torneo.spec.frozen import parse_share

    try:
        return float(parse_share(text if text.strip().endswith("%") else float(text)))
    except ValueError:
        raise typer.BadParameter(f"expected a share such as 10% or 0.1, not {text[:40]!r}") from None


@app.command()
def traffic(
    project: ProjectName = None,
    shadow: Annotated[
        int | None, typer.Option(parser=_version, metavar="VERSION", help="Scored beside and logged; none ends it.")
    ] = None,
    challenger: Annotated[
        int | None, typer.Option(parser=_version, metavar="VERSION", help="Answers for a share; none ends it.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(parser=_share, metavar="SHARE", help="The challenger's share of the subjects: 10%.")
    ] = None,
    why: Annotated[str | None, typer.Option("--why", "-w", help="The reason, for the record.")] = None,
    json: Json = False,
) -> None:
    """Show who takes part beside the champion, or change it; servers follow within seconds.

    A challenger answers in the champion's place for a share of the subjects, each always on the same side. A shadow is
    scored and logged, and its answers are not returned. A version that becomes champion leaves its role.
    """
    from torneo import api
    from torneo.cli.render_serving import traffic_lines
    from torneo.serving.traffic import Change

    opened = api.Project.load(project)
    change = Change(challenger=challenger, share=share, shadow=shadow)
    if change != Change():
        _change(opened, change, why)
    elif why is not None:
        raise typer.BadParameter("nothing is to change: add --shadow or --challenger", param_hint="--why")
    champion, present = opened.champion(), opened.traffic()
    if json:
        known = None if champion is None else champion.model_dump()
        print_json({"champion": known, **present.model_dump(mode="json")})
        return
    traffic_lines(out, champion, present)


def _change(opened: Project, change: Change, why: str | None) -> None:
    if not why:
        raise typer.BadParameter("say why, for the record", param_hint="--why")
    opened.change_traffic(change, why)
