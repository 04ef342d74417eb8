"""Absolute bars that a challenger must clear whatever the comparison says."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.project import Guardrail
from torneo.spec.records import GuardrailResult


def check_guardrails(
    guardrails: Mapping[str, Guardrail], measured: Mapping[str, Mapping[str, float]]
) -> tuple[GuardrailResult, ...]:
    """Every challenger against every bar; `measured` is challenger to value by metric or `latency_ms`.

    >>> bars = {"rmse": Guardrail(sign="<", bar=5)}
    >>> check_guardrails(bars, {"tuned": {"rmse": 5.5}})[0].passed
    False

    Raises:
        ValueError: a bar is about something that was not measured.
    """
    results = []
    for challenger, values in measured.items():
        for name, guardrail in guardrails.items():
            if name not in values:
                raise ValueError(
                    f"guardrail {name}: it was not measured for {challenger!r} (measured: {', '.join(sorted(values))})"
                )
            value = values[name]
            results.append(
                GuardrailResult(
                    challenger=challenger,
                    name=name,
                    bar=str(guardrail),
                    value=value,
                    passed=guardrail.holds(value),
                )
            )
    return tuple(results)
