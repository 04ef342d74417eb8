"""What people see is literal, cut visibly, and one number stands under the other."""

from __future__ import annotations

import io
import re

from rich.console import Console

from torneo.cli import shared
from torneo.cli.progress import TerminalProgress
from torneo.cli.render import quarantine_tables
from torneo.cli.render_load import load_report
from torneo.errors import SourceError
from torneo.spec.load_records import LoadReport
from torneo.spec.records import GateReport, Table

STRANGE = "b:x:y [b]z[/b]"


def console() -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, width=140, emoji=False), written


def test_texts_are_printed_as_they_are() -> None:
    for place in (shared.out, shared.err):
        with place.capture() as caught:
            place.print("b:x:y")
        assert caught.get() == "b:x:y\n"
    with shared.err.capture() as caught:
        shared.fail(SourceError(STRANGE, fix=STRANGE))
    assert caught.get().count(STRANGE) == 2
    made, written = console()
    with TerminalProgress(made) as progress:
        progress.step(STRANGE).done(STRANGE)
    assert written.getvalue() == f"  {STRANGE} {STRANGE}\n\n"


def test_refused_rows_are_literal_and_cut_with_an_ellipsis() -> None:
    table = Table(key="k", digest="d", rows=1)
    report = GateReport(rows=1, accepted=table, rejected=table, left_out=0, reasons={"invalid": 1})
    made, written = console()
    row = {"line": 2, "reasons": ["invalid"], "#[b]site": STRANGE, "note": "x" * 25, "whole": "y" * 24}
    quarantine_tables(made, "coins", report, [row])
    for text in ("#[b]site", STRANGE, f"{'x' * 23}… ", "y" * 24):
        assert text in written.getvalue()


def test_the_numbers_of_a_load_stand_under_each_other() -> None:
    made, written = console()
    report = LoadReport(
        project="coins", run="r", to="prod.coins", source="s", file="f.csv", window=None, status="rejected_rows",
        rows=1_000_000, left_out=0, outside_window=0, accepted=0, rejected=3, reasons={"a_very_long_reason_" * 2: 3},
        merged=None, error="",
    )  # fmt: skip
    load_report(made, report)
    ends = {len(line.rstrip()) for line in written.getvalue().splitlines() if re.search(r"  (rows|[\d,]+) *$", line)}
    assert len(ends) == 1
