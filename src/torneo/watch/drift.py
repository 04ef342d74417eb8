"""Whether a window is drawn from where the training rows were, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torneo.spec.frozen import nearest, shortened
from torneo.spec.watching import Drift, TestName
from torneo.watch.cells import SHOWN, cells
from torneo.watch.comparisons import AUTO, TESTS, Measured
from torneo.watch.report import ColumnTest, DriftReport, Part, Verdict, told
from torneo.watch.sketch import Baseline, Categories, Numbers, Sketch, Sketches
from torneo.watch.statistics import benjamini_hochberg


class _Tried(NamedTuple):
    """A test of a column, with what it measured where there were enough rows."""

    column: str
    base: Sketch
    window: Sketch
    test: TestName
    measured: Measured | None


def drift(baseline: Baseline, window: Sketches, settings: Drift | None = None) -> DriftReport:
    """Hold a window against the training baseline.

    Each column's distribution is tested, and its missing values, and values beyond the training range or categories
    that training did not have. A test says drift if its effect reaches the threshold and its p-value, after Benjamini
    and Hochberg's correction over all tests of the window, the level. So the chance that a window without drift is
    called drifted is at most the level, where the rows are independent of each other.

    Args:
        baseline: from `BundleInfo.baseline`.
        window: sketches over the same baseline; `__answers__` are the model's answers.
        settings: test, thresholds, level and the fewest rows; the defaults without them.

    Raises:
        NotFoundError: the baseline lacks a column of the window.
        ValueError: a sketch is of another baseline, or there is none.
    """
    settings = settings or Drift()
    if not window:
        raise ValueError("a window without columns cannot be watched: give the sketches of at least one")
    looked_at = {name: of_window for name, of_window in window.items() if name not in settings.ignore}
    tried = [each for name, of_window in looked_at.items() for each in _tries(name, baseline, of_window, settings)]
    measured = [each.measured for each in tried if each.measured is not None]
    adjusted = iter(benjamini_hochberg([each.p_value for each in measured]))
    tests = [_told(each, next(adjusted) if each.measured is not None else None, settings) for each in tried]
    ranked = tuple(sorted(tests, key=_rank))
    rows = max(sketch.rows for sketch in window.values())
    verdict: Verdict = "no drift" if measured else "not enough rows"
    if any(test.drifted for test in ranked):
        verdict = "drift"
    return DriftReport(
        verdict=verdict,
        rows=rows,
        level=settings.level,
        tests=ranked,
        unwatched=tuple(name for name in baseline.columns if name not in looked_at),
        words=(*told(verdict, rows, ranked, settings.min_rows), *_unknown(baseline, settings)),
    )


def _unknown(baseline: Baseline, settings: Drift) -> Iterator[str]:
    for name in settings.ignore:
        if name not in baseline.columns:
            known = nearest(name, baseline.columns)
            yield f"watch.drift.ignore names {shortened(name)}, which this version does not know{known}."


def _rank(test: ColumnTest) -> tuple[bool, float]:
    return not test.drifted, -(test.effect or 0.0) / test.threshold


def _tries(name: str, baseline: Baseline, window: Sketch, settings: Drift) -> Iterator[_Tried]:
    base = baseline.column(name)
    _same_cells(name, base, window)
    for test in _tests_of(base, settings):
        sides = (base.rows, window.rows) if test == "missing" else (base.values, window.values)
        enough = min(sides) >= settings.min_rows
        measured = TESTS[test].measure(base, window) if enough else None
        if test != "missing" or base.missing + window.missing > 0:  # else the test can say nothing, whatever comes
            yield _Tried(name, base, window, test, measured)


def _tests_of(base: Sketch, settings: Drift) -> Sequence[TestName]:
    chosen: TestName = AUTO[base.kind] if settings.test == "auto" else settings.test
    if base.kind not in TESTS[chosen].kinds:
        chosen = AUTO[base.kind]
    return (chosen, "missing", "out_of_range" if base.kind == "numeric" else "unseen_category")


def _same_cells(name: str, base: Sketch, window: Sketch) -> None:
    if isinstance(base, Numbers):
        same = isinstance(window, Numbers) and window.edges == base.edges
    else:
        same = isinstance(window, Categories) and window.counts.keys() == base.counts.keys()
    if not same:
        raise ValueError(f"the sketch of {name} was made with another baseline")


def _told(tried: _Tried, adjusted: float | None, settings: Drift) -> ColumnTest:
    threshold = settings.thresholds.get(tried.test, TESTS[tried.test].threshold)
    measured, base, window = tried.measured, tried.base, tried.window
    verdict: Verdict = "not enough rows"
    if measured is not None and adjusted is not None:
        verdict = "drift" if measured.effect >= threshold and adjusted <= settings.level else "no drift"
    distribution = tried.test not in ("missing", "out_of_range", "unseen_category")
    return ColumnTest(
        column=tried.column,
        kind=base.kind,
        test=tried.test,
        verdict=verdict,
        rows=window.rows,
        missing=window.missing / window.rows if window.rows else 0.0,
        missing_before=base.missing / base.rows if base.rows else 0.0,
        statistic=measured.statistic if measured else None,
        effect=measured.effect if measured else None,
        p_value=measured.p_value if measured else None,
        p_adjusted=adjusted,
        threshold=threshold,
        parts=_parts(base, window) if measured is not None and distribution else (),
        unseen=window.unseen if isinstance(window, Categories) and isinstance(base, Categories) else (),
    )


def _parts(base: Sketch, window: Sketch) -> tuple[Part, ...]:
    """Where the shares differ most."""
    both = cells(base, window)
    now, before = both.shares
    largest = sorted(range(len(both)), key=lambda place: -abs(now[place] - before[place]))[:SHOWN]
    return tuple(
        Part(label=both.labels[place], before=float(before[place]), now=float(now[place])) for place in largest
    )
