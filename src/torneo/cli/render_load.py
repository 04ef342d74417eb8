"""Loads as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from torneo.cli.render import table
from torneo.ports import Entry
from torneo.reports.load_page import counts
from torneo.spec.load_records import LoadReport, Retried

STATUS = {"passed": "[bold green]passed[/]", "rejected_rows": "[yellow]rejected rows[/]", "stopped": "[red]stopped[/]"}


def load_report(console: Console, report: LoadReport, *, unchanged: bool = False) -> None:
    """What a load did: rows in, what became of them, refused rows by reason."""
    told, refused = counts(report), sorted(report.reasons.items(), key=lambda item: -item[1])
    made, reasons = table("", "", "#rows"), table("", "refused because of", "#rows")
    for one, lines in ((made, list(told.items())), (reasons, refused)):
        for name, count in lines:
            one.add_row(escape(name), f"{count:,}")
        names, counted = {**told, **report.reasons, "refused because of": 0}, (*told.values(), *report.reasons.values())
        one.columns[0].min_width = max(map(cell_len, names))
        one.columns[1].min_width = max(len(f"{count:,}") for count in counted)
    console.print(f"[bold]{escape(report.project)}: {report.days} into {escape(report.to)}[/bold]")
    console.print(made)
    if refused:
        console.print(reasons)
    work = "; nothing to do, all steps are up to date" if unchanged else ""
    origin = f"from {escape(report.file)}" if report.file else "nothing came"
    console.print(f"{STATUS.get(report.status, report.status)}[dim]{work}; {origin}; run {report.run}[/]")
    if report.error:
        console.print(f"[red]{escape(report.error)}[/]", soft_wrap=True)
    if report.status == "rejected_rows":
        console.print(f"\nnext:  [bold]torneo quarantine show {escape(report.project)}[/]")


def retried(console: Console, done: Retried) -> None:
    """What became of rows that were tried again, and how their run stands now."""
    merged = done.merged
    told = f"{merged.inserted:,} new, {merged.updated + merged.reactivated:,} updated, {merged.unchanged:,} unchanged"
    console.print(
        f"{done.passed:,} of {done.tried:,} rows pass and are loaded: {told}" if done.tried else "none to try"
    )
    for count, what in (
        (done.refused, "refused"),
        (done.already, "loaded already"),
        (done.outside, "outside the window or left out by where: what they correct stays refused"),
    ):
        if count:
            console.print(f"  {count:,} {what}")
    load_report(console, done.load)


def loads_table(console: Console, name: str, entries: Sequence[Entry]) -> None:
    """All loads."""
    columns = ("#rows", "#refused", "#new", "#updated", "#unchanged", "#deactivated")
    made = table(f"{name}: loads", "when", "window", "status", *columns, "run")
    for entry in entries:
        report = LoadReport.model_validate(dict(entry.body))
        merged = report.merged
        done = () if merged is None else (merged.inserted, merged.updated, merged.unchanged, merged.deactivated)
        made.add_row(
            f"{entry.time:%Y-%m-%d %H:%M}",
            report.days,
            STATUS.get(report.status, report.status),
            f"{report.rows:,}",
            f"{report.rejected - report.copies:,}",
            *([f"{count:,}" for count in done] or ["", "", "", ""]),
            report.run[:12],
        )
    console.print(made if entries else "no load yet")
