"""What a window's drift is told as."""

from __future__ import annotations

from typing import Literal

from torneo.spec.frozen import Frozen
from torneo.spec.records import ANSWERS
from torneo.spec.watching import TestName

Verdict = Literal["drift", "no drift", "not enough rows"]
SAID = 5
"""So many columns are told in words."""


class Part(Frozen):
    """A bin or a category, and its share of the values before and now."""

    label: str
    before: float
    now: float


class ColumnTest(Frozen):
    """One test of one column."""

    column: str
    kind: Literal["numeric", "categorical"]
    test: TestName
    verdict: Verdict
    rows: int
    """The window's rows."""
    missing: float
    """The share of them without a value."""
    missing_before: float
    statistic: float | None = None
    """The test's own number; None where there are not enough rows, as in the next three."""
    effect: float | None = None
    """What is held against the threshold."""
    p_value: float | None = None
    p_adjusted: float | None = None
    """After Benjamini and Hochberg's correction over all tests of the window."""
    threshold: float
    parts: tuple[Part, ...] = ()
    """Where the distribution differs most."""
    unseen: tuple[str, ...] = ()
    """Categories that training did not have, some of them."""

    @property
    def drifted(self) -> bool:
        """Whether the effect is beyond the threshold and chance is ruled out."""
        return self.verdict == "drift"


class DriftReport(Frozen):
    """A window against the training baseline."""

    verdict: Verdict
    rows: int
    """The rows of the window, of the column that has the most."""
    level: float
    tests: tuple[ColumnTest, ...]
    """All tests, those that drifted first, the largest effect in thresholds first."""
    unwatched: tuple[str, ...]
    """Columns of the baseline that the window does not have."""
    words: tuple[str, ...]
    """The same for people, a sentence each."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that drifted, the answers among them as `__answers__`."""
        return tuple(dict.fromkeys(test.column for test in self.tests if test.drifted))

    @property
    def answers_drifted(self) -> bool:
        """Whether the model's answers did."""
        return ANSWERS in self.columns


def told(verdict: Verdict, rows: int, tests: tuple[ColumnTest, ...], min_rows: int) -> tuple[str, ...]:
    """A window's verdict and the columns that drifted, a sentence each."""
    if verdict == "not enough rows":
        return (f"{rows:,} rows are not enough to speak of drift: {min_rows:,} are needed, in the baseline as well.",)
    drifted = list(dict.fromkeys(test.column for test in tests if test.drifted))
    watched = len({test.column for test in tests})
    if not drifted:
        return (f"No drift in {watched} columns over {rows:,} rows.",)
    words = [f"{len(drifted)} of {watched} columns drifted over {rows:,} rows."]
    found = [[test for test in tests if test.column == name and test.drifted] for name in drifted[:SAID]]
    words += [sentence(min(of_column, key=_telling)) for of_column in found]
    if len(drifted) > SAID:
        words.append(f"… and {len(drifted) - SAID} more.")
    return tuple(words)


def _telling(test: ColumnTest) -> int:
    """The test that says most about what happened to a column comes first."""
    order = ("unseen_category", "missing", "distribution", "out_of_range")
    return order.index(test.test if test.test in order else "distribution")


def sentence(test: ColumnTest) -> str:
    """What one test found."""
    name = "The model's answers" if test.column == ANSWERS else test.column
    how = f"{test.test} {test.effect:.3g}, threshold {test.threshold:g}, adjusted p {_chance(test.p_adjusted)}"
    if test.test == "missing":
        return f"{name}: {test.missing:.1%} of the rows have no value, {test.missing_before:.1%} in training ({how})."
    if test.test == "out_of_range":
        return f"{name}: {test.statistic:.1%} of the values lie outside the range of training ({how})."
    if test.test == "unseen_category":
        named = f": {', '.join(test.unseen[:3])}{', …' if len(test.unseen) > 3 else ''}" if test.unseen else ""
        return (
            f"{name}: {test.statistic:.1%} of the values are in categories that training did not have{named} ({how})."
        )
    where = "; ".join(f"{part.label}: {part.before:.1%} before, {part.now:.1%} now" for part in test.parts[:2])
    return f"{name}: another distribution than in training ({how}); {where}."


def _chance(p_value: float | None) -> str:
    return "< 1e-12" if p_value is not None and p_value < 1e-12 else f"{p_value:.2g}"
