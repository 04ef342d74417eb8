"""The page of one load."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from torneo.reports.html import badge, escape, page, table
from torneo.spec.load_records import LoadReport

KINDS = {"passed": "passed", "rejected_rows": "inconclusive", "stopped": "failed", "running": "keep"}


def load_page(report: LoadReport, at: datetime.datetime) -> str:
    """A self-contained page of HTML: rows in, what became of them, and refused rows by reason."""
    return page(f"{report.project}: load of {report.days}", _body(report, at))


def _body(report: LoadReport, at: datetime.datetime) -> Iterator[str]:
    yield f"<h1>{escape(report.project)} {badge(report.status.replace('_', ' '), KINDS[report.status])}</h1>"
    yield f"<p>{escape(report.days)}, into <b>{escape(report.to)}</b></p>"
    origin = f"from {escape(report.file)} ({escape(report.source)})" if report.file else "nothing came"
    yield f'<p class="muted">{origin}, {at:%Y-%m-%d %H:%M} UTC</p>'
    if report.error:
        yield f'<p class="failed">{escape(report.error)}</p>'
    cards = (f'<div class="card"><b>{count:,}</b>{escape(name)}</div>' for name, count in counts(report).items())
    yield f'<div class="cards">{"".join(cards)}</div>'
    yield "<h2>Refused rows by reason</h2>"
    if report.reasons:
        told = ((escape(name), f"{count:,}") for name, count in sorted(report.reasons.items(), key=lambda one: -one[1]))
        yield table(("reason", "rows"), list(told), numbers=(1,))
        yield '<p class="muted small">A row that breaks several rules counts for each of them.</p>'
        yield f"<p>The rows themselves: <code>torneo quarantine show {escape(report.project)}</code></p>"
    else:
        yield "<p>None.</p>"
    yield f'<p class="muted small">run {escape(report.run)}</p>'


def counts(report: LoadReport) -> dict[str, int]:
    """What became of the rows, by name."""
    found = {"rows in": report.rows}
    found |= {"left out by where": report.left_out} if report.left_out else {}
    found |= {"outside the window": report.outside_window, "refused": report.rejected - report.copies}
    found |= {"exact copies": report.copies} if report.copies else {}
    if report.merged is not None:
        merged = report.merged
        found |= {
            "new": merged.inserted,
            "updated": merged.updated,
            "reactivated": merged.reactivated,
            "unchanged": merged.unchanged,
            "deactivated": merged.deactivated,
        }
    return found
