"""Absolute bars."""

from __future__ import annotations

import pytest

from torneo.judge.guardrails import check_guardrails
from torneo.spec.project import Guardrail

BARS = {"rmse": Guardrail(sign="<", bar=5), "latency_ms": Guardrail(sign="<=", bar=2)}


def test_every_challenger_meets_every_bar() -> None:
    results = check_guardrails(BARS, {"a": {"rmse": 4.0, "latency_ms": 2.0}, "b": {"rmse": 5.0, "latency_ms": 3.0}})
    assert [(each.challenger, each.name, each.bar, each.passed) for each in results] == [
        ("a", "rmse", "< 5", True),
        ("a", "latency_ms", "<= 2", True),
        ("b", "rmse", "< 5", False),
        ("b", "latency_ms", "<= 2", False),
    ]


def test_a_value_that_is_no_number_fails() -> None:
    assert not check_guardrails({"rmse": BARS["rmse"]}, {"a": {"rmse": float("nan")}})[0].passed


def test_what_was_not_measured_cannot_pass() -> None:
    with pytest.raises(ValueError, match=r"guardrail latency_ms: it was not measured for 'a' \(measured: rmse\)"):
        check_guardrails(BARS, {"a": {"rmse": 4.0}})
