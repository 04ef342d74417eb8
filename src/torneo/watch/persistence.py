"""One odd window is not yet drift: it has to persist."""

from __future__ import annotations

from collections.abc import Sequence

from torneo.watch.report import DriftReport, Verdict


def persists(verdicts: Sequence[Verdict], *, bad: int, of: int) -> bool:
    """Whether `bad` of the last `of` windows drifted, the latest that could be judged among them.

    Windows without enough rows say neither, and are passed over.

    >>> persists(["drift", "not enough rows", "no drift", "drift"], bad=2, of=3)
    True
    >>> persists(["drift", "drift", "no drift"], bad=2, of=3)
    False
    """
    judged = [verdict for verdict in verdicts if verdict != "not enough rows"][-of:]
    return bool(judged) and judged[-1] == "drift" and judged.count("drift") >= bad


def persistent_columns(reports: Sequence[DriftReport], *, bad: int, of: int) -> tuple[str, ...]:
    """The columns of which the same is true, oldest report first."""
    names = dict.fromkeys(name for report in reports[-1:] for name in report.columns)
    return tuple(name for name in names if persists([verdict_of(each, name) for each in reports], bad=bad, of=of))


def verdict_of(report: DriftReport, column: str) -> Verdict:
    """What a report says of one column."""
    verdicts = [test.verdict for test in report.tests if test.column == column]
    if "drift" in verdicts:
        return "drift"
    return "no drift" if "no drift" in verdicts else "not enough rows"
