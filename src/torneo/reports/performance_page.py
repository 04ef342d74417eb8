"""The page of performance: the metric over windows by outcomes and before them, by version and role, and by slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torneo.reports.decision import Scale
from torneo.reports.html import badge, escape, page, svg, table
from torneo.reports.lines import lines
from torneo.watch.estimates import Estimate
from torneo.watch.performance import Score
from torneo.watch.views import PerformanceView

KINDS = {"reliable": "passed", "doubtful": "inconclusive", "unreliable": "failed"}
BAR, HEIGHT = 260.0, 24.0


def performance_page(view: PerformanceView) -> str:
    """A self-contained page of HTML."""
    return page(f"{view.project}: performance", _body(view))


def _body(view: PerformanceView) -> Iterator[str]:
    yield f'<p class="muted small">Performance · {escape(view.project)} · version {view.version}</p>'
    yield f"<h1>{escape(_headline(view))}</h1>"
    yield f'<p class="muted">{view.since:%Y-%m-%d %H:%M} to {view.until:%Y-%m-%d %H:%M} UTC</p>'
    if view.estimate is not None:
        found = view.estimate
        told = f"Without outcomes, {view.metric} is estimated at {_interval(found)} ({found.method}): {found.why}."
        yield f"<p>{escape(told)} {badge(found.reliability, KINDS[found.reliability])}</p>"
    cards = {"predictions": view.rows, "with an outcome": view.labelled, f"windows of {view.window}": len(view.windows)}
    shown = (f'<div class="card"><b>{count:,}</b>{escape(name)}</div>' for name, count in cards.items())
    yield f'<div class="cards">{"".join(shown)}</div>'
    if view.windows:
        yield f"<h2>{escape(view.metric)} over windows</h2>"
        yield (
            '<p class="muted small">By outcomes in <span style="color:var(--blue)">blue</span>, the estimate before '
            'them in <span style="color:var(--orange)">orange</span>, with their 95 % intervals.</p>'
        )
        yield _picture(view)
    for title, scores in (("By version and role", view.groups), ("Slices, the worst first", view.slices)):
        if scores:
            yield f"<h2>{title}</h2>{_scores(scores)}"
    if view.windows:
        yield "<h2>Windows</h2>" + _windows(view)
    if view.looked_at < view.rows:
        yield f'<p class="muted small">Scores over all windows are of {view.looked_at:,} rows drawn by their ids.</p>'
    if view.hidden:
        yield f'<p class="muted small">No slices by personal data: {escape(", ".join(view.hidden))}.</p>'


def _headline(view: PerformanceView) -> str:
    if view.total is None or view.total.score is None:
        return f"No outcome of {view.rows:,} predictions is known yet"
    judged = "" if view.judged is None else f"; the judge saw {view.judged:.4g}"
    return f"{view.metric} is {_interval(view.total)} by {view.labelled:,} outcomes{judged}"


def _interval(found: Score | Estimate) -> str:
    if found.score is None:
        return "unknown"
    ends = "" if found.low is None or found.high is None else f" ({found.low:.4g} to {found.high:.4g})"
    return f"{found.score:.4g}{ends}"


def _picture(view: PerformanceView) -> str:
    names = [f"{window.since:%m-%d %H:%M}" for window in view.windows]
    known = [(each.score.score, each.score.low, each.score.high) for each in view.windows]
    guessed = [
        (None, None, None) if each.estimate is None else (each.estimate.score, each.estimate.low, each.estimate.high)
        for each in view.windows
    ]
    series = [("estimate", "var(--orange)", guessed), ("by outcomes", "var(--blue)", known)]
    rules = [] if view.judged is None else [("what the judge saw", view.judged)]
    return lines(names, series, rules, f"{view.metric} over {len(names)} windows")


def _scores(scores: Sequence[Score]) -> str:
    ends = [end for score in scores for end in (score.score, score.low, score.high) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    scale = Scale(low, high if high > low else low + 1.0, 6.0, BAR - 6.0)
    rows = [
        [
            escape(", ".join(f"{name} {value}" for name, value in score.group.items())),
            f"{score.rows:,}",
            f"{score.labelled:,}",
            "" if score.score is None else escape(_interval(score)),
            _whisker(score, scale),
        ]
        for score in scores
    ]
    return table(("rows of", "rows", "outcomes", scores[0].metric, ""), rows, numbers=(1, 2, 3))


def _whisker(score: Score, scale: Scale) -> str:
    if score.score is None:
        return ""
    parts = [f'<circle cx="{scale(score.score):.1f}" cy="12" r="4" fill="var(--blue)"/>']
    if score.low is not None and score.high is not None:
        ends = f'x1="{scale(score.low):.1f}" x2="{scale(score.high):.1f}"'
        parts.insert(0, f'<line class="axis" stroke-width="2" {ends} y1="12" y2="12"/>')
    return svg(BAR, HEIGHT, parts, _interval(score))


def _windows(view: PerformanceView) -> str:
    rows = []
    for window in reversed(view.windows):
        guess = window.estimate
        told = (
            "" if guess is None else f"{escape(_interval(guess))} {badge(guess.reliability, KINDS[guess.reliability])}"
        )
        score = "" if window.score.score is None else escape(_interval(window.score))
        times = (f"{moment:%Y-%m-%d %H:%M}" for moment in (window.since, window.until))
        rows.append([*times, f"{window.rows:,}", f"{window.labelled:,}", score, told])
    head = ("from", "until", "rows", "outcomes", view.metric, "estimate without outcomes")
    return table(head, rows, numbers=(2, 3, 4))
