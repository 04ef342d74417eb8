"""Whether predictions have become worse than what the judge saw, by the outcomes that came in a window.

Outcomes are windowed by when they were reported: late ones and corrections belong to the window in which they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torneo.metrics import metric
from torneo.spec.project import Project
from torneo.watch.performance import Pairs, Score, score
from torneo.watchdog.findings import Finding, finding
from torneo.watchdog.outcomes import Labelled

LARGEST = 1e6


def performance(project: Project, judged: Mapping[str, float], rows: Labelled) -> list[Finding] | None:
    """What has become worse than the scores that the champion was judged by; None where that cannot be told."""
    asked = project.watch.performance
    assert asked is not None  # noqa: S101 - a rule that is watched
    decider = metric(project.metric, project.task)
    pairs = Pairs(rows.actual, rows.predicted)
    found = score(pairs, decider, confidence=asked.confidence)
    if found.score is None or found.low is None or found.high is None:
        return None
    findings = list(_guardrails(project, pairs, asked.confidence)) if asked.guardrails else []
    before = judged.get(decider.name)
    if before is None:
        return findings
    bar = before - decider.sign * asked.falls * abs(before)
    best = found.high if decider.bigger_is_better else found.low
    if decider.sign * (bar - found.score) > 0 and decider.sign * (before - best) > 0:
        size = abs(found.score - before) / max(abs(bar - before), 1e-9)
        what = f"the judge saw {before:.4g}, and {asked.falls:.0%} worse is bad"
        findings = [_finding(decider.name, found, bar, size, what), *findings]
    return findings


def _guardrails(project: Project, pairs: Pairs, confidence: float) -> Iterator[Finding]:
    for name, bar in project.judge.guardrails.items():
        if name == "latency_ms":  # of one row on one core; the rule `latency` looks at what was served
            continue
        found = score(pairs, metric(name, project.task), confidence=confidence)
        best = found.high if bar.sign in (">", ">=") else found.low
        if found.score is not None and best is not None and not bar.holds(found.score) and not bar.holds(best):
            size = 1 + abs(found.score - bar.bar) / max(abs(bar.bar), 1e-9)
            yield _finding(f"guardrail {name}", found, bar.bar, size, f"the guardrail is {bar}")


def _finding(subject: str, found: Score, bar: float, size: float, what: str) -> Finding:
    why = f"{found.metric} is {found.score:.4g} ({found.low:.4g} to {found.high:.4g}) by {found.labelled:,} outcomes"
    value = 0.0 if found.score is None else found.score
    return finding("performance", subject, value=value, bar=bar, size=min(size, LARGEST), why=f"{why}; {what}")
