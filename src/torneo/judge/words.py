"""The decision told to a person who is no statistician, a sentence each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

from torneo.judge.rules import Rules
from torneo.spec.records import Comparison, Decision, Protocol

POWER = 0.8
"""How often a true gain should be found, where the words say how many rows that takes."""


def share(value: float) -> str:
    """A probability as a percentage that is never rounded to none or all.

    >>> share(0.05), share(0.00004), share(0.0321)
    ('5 %', 'less than 0.1 %', '3.2 %')
    """
    if 0 <= value < 0.001:
        return "less than 0.1 %"
    return f"{100 * value:.1f}".rstrip("0").rstrip(".") + " %"


def number(value: float) -> str:
    """A number to four digits."""
    return f"{value:.4g}"


def tell(
    decision: Decision,
    found: Sequence[Comparison],
    passing: Sequence[str],
    selection: Mapping[str, float],
    rules: Rules,
) -> tuple[str, ...]:
    """The whole decision: the outcome, the rows, what the tests `found` before vetoes, vetoes, and the choice."""
    return (
        headline(decision),
        rows_judged(decision.rows, decision.protocol),
        *(sentence for each in found for sentence in compared(each, decision.champion or "", rules, len(found))),
        *(f"{name!r} cannot be promoted: {'; '.join(reasons)}." for name, reasons in decision.vetoes.items()),
        *chosen(decision, passing, selection),
    )


def headline(decision: Decision) -> str:
    """The outcome in one sentence."""
    if decision.winner is not None:
        place = "the first champion" if decision.champion is None else f"champion in place of {decision.champion}"
        return f"Promote: {decision.winner!r} becomes {place}."
    if decision.champion is None:
        return "Keep: there is no champion yet, and no challenger may become one."
    if decision.verdict == "inconclusive":
        return f"Inconclusive: {decision.champion} stays champion, because the evidence does not decide."
    return f"Keep: {decision.champion} stays champion."


def rows_judged(rows: int, protocol: Protocol) -> str:
    """What the scores were measured on."""
    if protocol == "nested_cv":
        return (
            f"All were scored by nested cross-validation on the same {rows:,} rows, each row by models that had not "
            "seen it."
        )
    return f"All were scored on the same {rows:,} rows, which none of them was trained or tuned on."


def compared(found: Comparison, champion: str, rules: Rules, number_of: int) -> list[str]:
    """A comparison: the scores, the gain with its interval, the test, and what its verdict means."""
    least = f" by more than {number(rules.min_gain)}" if rules.min_gain else ""
    direction = "better" if found.gain > 0 else "worse" if found.gain < 0 else "the same"
    corrected = f", corrected for {number_of} challengers by Holm's method" if number_of > 1 else ""
    size = f" by {number(abs(found.gain))}" if found.gain else ""
    sentences = [
        f"{found.challenger!r}: {found.metric} is {number(found.challenger_score)} against "
        f"{number(found.champion_score)} for the champion ({champion}): {direction}{size}.",
        f"With {share(rules.confidence)} confidence the true gain lies between {number(found.low)} and "
        f"{number(found.high)}.",
    ]
    if found.gain > 0:
        sentences.append(
            f"If {found.challenger!r} were not better{least}, a gain this large would still come up by luck in "
            f"{share(found.p_adjusted)} of such comparisons ({found.test}{corrected}); the limit is "
            f"{share(rules.level)}."
        )
    if found.verdict == "inconclusive":
        sentences.append(needed(found, rules, number_of))
    elif found.verdict == "keep":
        reason = "worse than the champion" if found.gain < 0 else f"not better than the champion{least}"
        if found.low == found.high == 0:
            reason = "the same as the champion on every row"
        sentences.append(f"So {found.challenger!r} is {reason}.")
    return sentences


def needed(found: Comparison, rules: Rules, number_of: int) -> str:
    """What it would take to decide: rows for a gain of this size, or the gain that so many rows can show."""
    rows = rows_needed(found, rules, number_of)
    if rows is not None and rows > found.rows:
        return (
            f"That is not enough to decide: if the gain is real, about {rows:,} judged rows (now {found.rows:,}) "
            f"would show it in 8 of 10 tries."
        )
    if rows is not None:
        return "That is not enough to decide, by a narrow margin: judge again on new rows."
    error = _error(found, rules)
    least = rules.min_gain + _reach(rules, number_of) * error
    return (
        f"That is not enough to decide: {found.rows:,} rows can show a gain of about {number(least)} or more in 8 of "
        "10 tries; for a smaller one, more rows are needed."
    )


def rows_needed(found: Comparison, rules: Rules, number_of: int) -> int | None:
    """Roughly how many judged rows show a gain of the size found with a power of 80 %; None if it is no gain.

    The error of a mean falls with the root of the number of rows: n (reach * error / gain)^2.
    """
    excess = found.gain - rules.min_gain
    if excess <= 0 or found.low == found.high:
        return None
    rows = found.rows * (_reach(rules, number_of) * _error(found, rules) / excess) ** 2
    digits = max(0, math.floor(math.log10(rows)) - 1)
    step = int(10**digits)
    return math.ceil(rows / step) * step


def _error(found: Comparison, rules: Rules) -> float:
    return (found.high - found.low) / (2 * NormalDist().inv_cdf((1 + rules.confidence) / 2))


def _reach(rules: Rules, number_of: int) -> float:
    """How many standard errors a gain must measure to be found with that power."""
    return NormalDist().inv_cdf(1 - rules.level / number_of) + NormalDist().inv_cdf(POWER)


def chosen(decision: Decision, passing: Sequence[str], selection: Mapping[str, float]) -> list[str]:
    """Why this one, where several could be promoted: by its score in training, so that nobody profits twice."""
    winner = decision.winner
    if winner is None:
        return []
    if len(passing) == 1:
        return ["A first champion needs only to clear the guardrails."] if decision.champion is None else []
    others = ", ".join(f"{name!r} {number(selection[name])}" for name in passing if name != winner)
    return [
        f"{len(passing)} challengers may be promoted; {winner!r} is chosen because its cross-validated "
        f"{decision.metric} on the training rows is best ({number(selection[winner])}; {others}). The judged rows "
        "have no part in that choice."
    ]
