"""The page of drift: the verdict, each column against its threshold over the windows, and where it differs."""

from __future__ import annotations

from collections.abc import Iterator

from torneo.reports.html import badge, escape, page, svg, table
from torneo.reports.lines import against, small_line
from torneo.spec.records import ANSWERS
from torneo.watch.report import ColumnTest, Part, Verdict
from torneo.watch.views import DriftView

KINDS: dict[Verdict, str] = {"drift": "failed", "no drift": "passed", "not enough rows": "inconclusive"}
DETAILED = 12
"""So many drifted columns are shown part by part."""
BAR, LABEL, ROW = 420.0, 250.0, 34.0


def drift_page(view: DriftView) -> str:
    """A self-contained page of HTML."""
    return page(f"{view.project}: drift", _body(view))


def _body(view: DriftView) -> Iterator[str]:
    report = view.report
    yield f'<p class="muted small">Drift · {escape(view.project)} · version {view.version}</p>'
    yield f"<h1>{escape(report.words[0])}</h1><p>{badge(report.verdict, KINDS[report.verdict])}</p>"
    yield f'<p class="muted">{view.since:%Y-%m-%d %H:%M} to {view.until:%Y-%m-%d %H:%M} UTC</p>'
    yield from (f"<p>{escape(sentence)}</p>" for sentence in report.words[1:])
    if view.persistent:
        yield f"<p>It persists over windows in {escape(', '.join(map(_name, view.persistent)))}.</p>"
    cards = {
        "rows": f"{report.rows:,}",
        f"windows of {view.window}": f"{len(view.windows):,}",
        "windows that drifted": f"{sum(window.verdict == 'drift' for window in view.windows):,}",
        "columns that drifted": f"{len(report.columns):,}",
    }
    told = (f'<div class="card"><b>{count}</b>{escape(name)}</div>' for name, count in cards.items())
    yield f'<div class="cards">{"".join(told)}</div>'
    yield "<h2>Columns</h2>"
    yield '<p class="muted small">Each column\'s strongest test over all rows. The mark is the threshold.</p>'
    yield _columns(view)
    yield from _details(view)
    yield "<h2>Windows</h2>" + _windows(view)
    if view.hidden:
        hidden = escape(", ".join(view.hidden))
        yield f'<p class="muted small">Not compared, for the log does not have personal data: {hidden}.</p>'


def _name(column: str) -> str:
    return "the model's answers" if column == ANSWERS else column


def _columns(view: DriftView) -> str:
    strongest: dict[str, ColumnTest] = {}
    for test in view.report.tests:
        strongest.setdefault(test.column, test)
    head = ("column", "test", "effect", "", "adjusted p", f"over {len(view.windows)} windows", "missing", "verdict")
    return table(head, [_row(view, test) for test in strongest.values()], numbers=(2, 4, 6))


def _row(view: DriftView, test: ColumnTest) -> list[str]:
    effect = test.effect
    values = [window.effects.get(test.column) for window in view.windows]
    return [
        escape(_name(test.column)),
        escape(test.test.replace("_", " ")),
        "" if effect is None else f"{effect:.3g}",
        "" if effect is None else against(effect, test.threshold, f"{effect:.3g} of {test.threshold:g}"),
        "" if test.p_adjusted is None else f"{test.p_adjusted:.2g}",
        small_line(values, 1.0, f"{_name(test.column)} over windows, as a multiple of the threshold"),
        f"{test.missing:.1%}",
        badge(test.verdict, KINDS[test.verdict]),
    ]


def _details(view: DriftView) -> Iterator[str]:
    """Before and now, where distributions drifted."""
    drifted = [test for test in view.report.tests if test.drifted and test.parts]
    if drifted:
        yield "<h2>Where they differ</h2>"
        yield '<p class="muted small">Shares of the values: pale in training, strong now.</p>'
    for test in drifted[:DETAILED]:
        yield f"<h3>{escape(_name(test.column))}</h3>"
        parts = [text for place, part in enumerate(test.parts) for text in _part(place, part)]
        yield svg(LABEL + BAR + 130, ROW * len(test.parts) + 6, parts, f"{_name(test.column)}: shares before and now")
        if test.unseen:
            yield f'<p class="muted small">New: {escape(", ".join(test.unseen))}</p>'


def _part(place: int, part: Part) -> Iterator[str]:
    top, label, before, now = place * ROW, part.label, part.before, part.now
    text = label if len(label) <= 34 else f"{label[:33]}…"
    yield f'<text x="{LABEL - 10}" y="{top + 20}" text-anchor="end">{escape(text)}</text>'
    yield f'<rect class="soft" x="{LABEL}" y="{top + 4}" width="{before * BAR:.1f}" height="11" rx="2"/>'
    yield f'<rect class="bar" x="{LABEL}" y="{top + 16}" width="{now * BAR:.1f}" height="11" rx="2"/>'
    x = LABEL + max(before, now) * BAR + 8
    yield f'<text class="muted" x="{x:.1f}" y="{top + 20}">{before:.1%} → {now:.1%}</text>'


def _windows(view: DriftView) -> str:
    rows = [
        [
            f"{window.since:%Y-%m-%d %H:%M}",
            f"{window.until:%Y-%m-%d %H:%M}",
            f"{window.rows:,}",
            badge(window.verdict, KINDS[window.verdict]),
            escape(", ".join(map(_name, window.drifted[:8])) + (" …" if len(window.drifted) > 8 else "")),
        ]
        for window in reversed(view.windows)
    ]
    return table(("from", "until", "rows", "verdict", "drifted"), rows, numbers=(2,))
