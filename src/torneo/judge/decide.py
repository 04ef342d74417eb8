"""The decision: who becomes champion, and on what evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from torneo.judge import words
from torneo.judge.compare import compare, score
from torneo.judge.guardrails import check_guardrails
from torneo.judge.predictions import Predictions, check_same_rows
from torneo.judge.rules import Rules
from torneo.judge.slices import Slices, judge_slices
from torneo.spec.records import Comparison, Decision, GuardrailResult, Verdict

Reasons = Mapping[str, Sequence[str]]


def decide(
    challengers: Mapping[str, Predictions],
    rules: Rules,
    *,
    selection: Mapping[str, float],
    champion: Predictions | None = None,
    label: str | None = None,
    measured: Mapping[str, Mapping[str, float]] | None = None,
    slices: Slices | None = None,
    barred: Reasons | None = None,
) -> Decision:
    """Judge the challengers against the champion (called `label`), or choose the first one.

    `selection` has each challenger's cross-validated score on training rows, in the deciding metric. It alone
    chooses among several that may be promoted, and the first champion: a winner picked by its judged score would be
    reported on the rows that picked it. `measured` has each challenger's values for the guardrails, `slices` columns'
    values (n,) for the judged rows, and `barred` reasons why a challenger must not be promoted.

    Raises:
        ConflictError: the models were not scored on the same rows.
        UndefinedMetricError: the metric cannot be tested on these rows.
        ValueError: there is no challenger, or a label, a selection score or a guardrail's value is missing.
    """
    _check_complete(challengers, selection, champion, label)
    models = dict(challengers) if champion is None else {"champion": champion, **challengers}
    check_same_rows(models)
    guardrails = check_guardrails(rules.guardrails, {name: (measured or {}).get(name, {}) for name in challengers})
    found = () if champion is None else compare(champion, challengers, rules)
    lost = {} if champion is None else _lost_slices(champion, challengers, slices or {}, rules)
    vetoes = _vetoes(challengers, barred or {}, _missed(guardrails), lost)
    comparisons = tuple(_held_back(each) if each.challenger in vetoes else each for each in found)
    passing = [name for name in challengers if name not in vetoes]
    if champion is not None:
        passing = [each.challenger for each in comparisons if each.verdict == "promote"]
    winner = max(passing, key=lambda name: rules.metric.sign * selection[name], default=None)
    decision = Decision(
        verdict=_verdict(winner, comparisons),
        winner=winner,
        champion=label,
        metric=rules.metric.name,
        confidence=rules.confidence,
        min_gain=rules.min_gain,
        protocol=rules.protocol,
        rows=next(iter(challengers.values())).rows,
        scores={name: score(each, rules.metric, rules.protocol) for name, each in models.items()},
        comparisons=comparisons,
        guardrails=guardrails,
        vetoes=vetoes,
    )
    return decision.model_copy(update={"words": words.tell(decision, found, passing, selection, rules)})


def _check_complete(
    challengers: Mapping[str, Predictions],
    selection: Mapping[str, float],
    champion: Predictions | None,
    label: str | None,
) -> None:
    if not challengers:
        raise ValueError("there is no challenger to judge")
    if (champion is None) != (label is None):
        raise ValueError(f"a champion comes with a label and a label with a champion, not label {label!r} alone")
    missing = sorted(set(challengers) - set(selection))
    if missing:
        raise ValueError(f"no cross-validated training score (selection) for: {', '.join(missing)}")


def _vetoes(names: Iterable[str], *sources: Reasons) -> dict[str, tuple[str, ...]]:
    reasons = {name: tuple(reason for source in sources for reason in source.get(name, ())) for name in names}
    return {name: each for name, each in reasons.items() if each}


def _missed(guardrails: Sequence[GuardrailResult]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for each in guardrails:
        if not each.passed:
            reason = f"its {each.name} is {words.number(each.value)}, and the bar is {each.bar}"
            reasons.setdefault(each.challenger, []).append(reason)
    return reasons


def _lost_slices(
    champion: Predictions, challengers: Mapping[str, Predictions], slices: Slices, rules: Rules
) -> dict[str, list[str]]:
    return {
        name: [
            f"it is worse where {each.column} is {each.value} ({each.rows:,} rows): {rules.metric.name} "
            f"{words.number(each.challenger_score)} against {words.number(each.champion_score)}"
            for each in judge_slices(champion, challenger, slices, rules)
            if each.p_adjusted < rules.level
        ]
        for name, challenger in challengers.items()
    }


def _held_back(comparison: Comparison) -> Comparison:
    """A vetoed challenger is not promoted, and no further rows would change that."""
    return comparison.model_copy(update={"verdict": "keep"})


def _verdict(winner: str | None, comparisons: Sequence[Comparison]) -> Verdict:
    if winner is not None:
        return "promote"
    return "inconclusive" if any(each.verdict == "inconclusive" for each in comparisons) else "keep"
