"""Drift and performance as tables for people, with small pictures of how they went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from torneo.cli.render import table
from torneo.spec.records import ANSWERS
from torneo.watch.estimates import Estimate
from torneo.watch.performance import Score
from torneo.watch.report import ColumnTest
from torneo.watch.views import DriftView, EvidentlyView, PerformanceView

LEVELS = "▁▂▃▄▅▆▇█"
WIDEST = 30
SHOWN = 25
"""So many columns, windows or slices are shown; `--json` and `--html` have all."""
VERDICTS: Mapping[str, str] = {
    "drift": "[red]drift[/red]",
    "no drift": "[green]no drift[/green]",
    "not enough rows": "too few rows",
}
RELIABILITY = {"reliable": "green", "doubtful": "yellow", "unreliable": "red"}


def sparkline(values: Sequence[float | None], low: float | None = None, high: float | None = None) -> str:
    """The last 30 values as characters of eight heights, from the lowest to the highest; a gap where there is none.

    >>> sparkline([0, 1, None, 7])
    '▁▂ █'
    """
    last = values[-WIDEST:]
    known = [value for value in last if value is not None]
    if not known:
        return ""
    low, high = min(known) if low is None else low, max(known) if high is None else high
    span = (high - low) or 1.0
    places = [None if value is None else int(min(max((value - low) / span, 0.0), 1.0) * 7.999) for value in last]
    return "".join(" " if place is None else LEVELS[place] for place in places)


def bar(share: float, width: int = 10) -> str:
    """A share of a whole as a bar.

    >>> bar(0.5, 4)
    '██··'
    """
    filled = round(min(max(share, 0.0), 1.0) * width)
    return "█" * filled + "·" * (width - filled)


def drift_tables(console: Console, view: DriftView) -> None:
    """The verdict, each column's strongest test, and the windows."""
    report = view.report
    times = f"{view.since:%Y-%m-%d %H:%M} to {view.until:%Y-%m-%d %H:%M} UTC"
    console.print(f"[bold]{escape(view.project)}[/bold] version {view.version}: {VERDICTS[report.verdict]}, {times}")
    for sentence in report.words:
        console.print(f"  {escape(sentence)}", soft_wrap=True)
    if view.persistent:
        names = ", ".join(map(_name, view.persistent))
        console.print(f"  It persists over windows in: {escape(names)}", soft_wrap=True)
    if view.hidden:
        console.print(f"[dim]not compared, personal data: {escape(', '.join(view.hidden))}[/dim]", soft_wrap=True)
    if report.rows:
        console.print()
        _columns(console, view)
        _windows(console, view)


def _columns(console: Console, view: DriftView) -> None:
    made = table("columns", "column", "test", "#effect", "#threshold", "#adjusted p", "", "windows", "verdict")
    strongest = strongest_tests(view.report.tests)
    for test in strongest[:SHOWN]:
        ratio = 0.0 if test.effect is None else test.effect / test.threshold
        values = [window.effects.get(test.column) for window in view.windows]
        made.add_row(
            escape(_name(test.column)),
            test.test.replace("_", " "),
            "" if test.effect is None else f"{test.effect:.3g}",
            f"{test.threshold:g}",
            "" if test.p_adjusted is None else f"{test.p_adjusted:.2g}",
            bar(ratio / 2),
            sparkline(values, 0.0, max([2.0, *(value for value in values if value is not None)])),
            VERDICTS[test.verdict],
        )
    console.print(made)
    _more(console, len(strongest))


def _name(column: str) -> str:
    return "the model's answers" if column == ANSWERS else column


def strongest_tests(tests: Iterable[ColumnTest]) -> list[ColumnTest]:
    """Of each column the test that says most, in the report's order."""
    first: dict[str, ColumnTest] = {}
    for test in tests:
        first.setdefault(test.column, test)
    return list(first.values())


def evidently_table(console: Console, view: DriftView, beside: EvidentlyView) -> None:
    """Evidently's verdict on each column beside ours."""
    made = table("Evidently", "column", "its test", "#value", "#threshold", "it says", "we say")
    for name, found in sorted(beside.columns.items(), key=lambda item: -item[1].value):
        verdicts = ("drift" if found.drifted else "no drift", "drift" if name in view.report.columns else "no drift")
        numbers = (f"{found.value:.3g}", f"{found.threshold:g}")
        made.add_row(escape(name), found.test, *numbers, *(VERDICTS[verdict] for verdict in verdicts))
    console.print()
    console.print(made)
    sample = f"{beside.rows:,} predictions and {beside.training_rows:,} training rows"
    console.print(f"[dim]of {sample}; its page is the object {escape(beside.object)}[/dim]", soft_wrap=True)


def _windows(console: Console, view: DriftView) -> None:
    made = table(f"windows of {view.window}", "from", "until", "#rows", "verdict", "drifted")
    for window in view.windows[-SHOWN:]:
        names = [_name(name) for name in window.drifted]
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        made.add_row(
            f"{window.since:%Y-%m-%d %H:%M}",
            f"{window.until:%Y-%m-%d %H:%M}",
            f"{window.rows:,}",
            VERDICTS[window.verdict],
            escape(", ".join(names[:4])) + more,
        )
    console.print()
    console.print(made)
    _more(console, len(view.windows))


def _more(console: Console, found: int) -> None:
    if found > SHOWN:
        console.print(f"[dim]… and {found - SHOWN} more: --json or --html shows all[/dim]")


def performance_tables(console: Console, view: PerformanceView) -> None:
    """The score, with an interval or an estimate, by window, by version and role, and by slice."""
    times = f"{view.since:%Y-%m-%d %H:%M} to {view.until:%Y-%m-%d %H:%M} UTC"
    judged = "" if view.judged is None else f"; the judge saw {view.judged:.4g}"
    console.print(f"[bold]{escape(view.project)}[/bold] version {view.version}: {view.metric}, {times}{judged}")
    console.print(f"  {view.labelled:,} of {view.rows:,} predictions have an outcome")
    if view.total is not None and view.total.score is not None:
        console.print(f"  by outcomes {_interval(view.total)}")
    if view.estimate is not None:
        console.print(f"  without outcomes {_estimate(view.estimate)}", soft_wrap=True)
    if not view.windows:
        return
    console.print()
    _performance_windows(console, view)
    for title, scores in (("by version and role", view.groups), ("slices, the worst first", view.slices)):
        if scores:
            console.print()
            _scores(console, title, scores)
    if view.hidden:
        console.print(f"[dim]no slices by personal data: {escape(', '.join(view.hidden))}[/dim]", soft_wrap=True)


def _interval(score: Score | Estimate) -> str:
    if score.score is None:
        return ""
    ends = "" if score.low is None or score.high is None else f" ({score.low:.4g} to {score.high:.4g})"
    return f"{score.score:.4g}{ends}"


def _estimate(found: Estimate) -> str:
    colour = RELIABILITY[found.reliability]
    return f"{_interval(found)}, [{colour}]{found.reliability}[/{colour}]: {escape(found.why)}"


def _performance_windows(console: Console, view: PerformanceView) -> None:
    line = sparkline([window.score.score for window in view.windows])
    made = table(
        f"windows of {view.window} {line}", "from", "until", "#rows", "#outcomes", f"#{view.metric}", "estimate"
    )
    for window in view.windows[-SHOWN:]:
        estimate = window.estimate
        told = "" if estimate is None else f"{_interval(estimate)} {estimate.reliability}"
        made.add_row(
            f"{window.since:%Y-%m-%d %H:%M}",
            f"{window.until:%Y-%m-%d %H:%M}",
            f"{window.rows:,}",
            f"{window.labelled:,}",
            _interval(window.score),
            told,
        )
    console.print(made)
    _more(console, len(view.windows))


def _scores(console: Console, title: str, scores: Sequence[Score]) -> None:
    made = table(title, "rows of", "#rows", "#outcomes", f"#{scores[0].metric}")
    for score in scores[:SHOWN]:
        named = ", ".join(f"{name} {value}" for name, value in score.group.items())
        made.add_row(escape(named), f"{score.rows:,}", f"{score.labelled:,}", _interval(score))
    console.print(made)
