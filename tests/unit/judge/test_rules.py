"""The rules that a project declares."""

from __future__ import annotations

from typing import Any

import pytest

from torneo.errors import NotFoundError
from torneo.judge import Rules
from torneo.spec.project import Project


def _project(judge: dict[str, Any]) -> Project:
    return Project.model_validate(
        {
            "project": "p",
            "task": "regression",
            "target": "y",
            "source": {"uri": "a.csv"},
            "contract": {"columns": {"x": {"type": "float"}, "y": {"type": "float"}}},
            "judge": judge,
        }
    )


def test_rules_of_a_project() -> None:
    rules = Rules.of(_project({"confidence": "90%", "min_gain": 0.2, "guardrails": {"r2": "> 0.7"}}), "holdout")
    assert (rules.metric.name, rules.confidence, rules.min_gain, rules.protocol) == ("rmse", 0.9, 0.2, "holdout")
    assert rules.level == pytest.approx(0.1)
    assert str(rules.guardrails["r2"]) == "> 0.7"


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no metric 'auc' for regression"):
        Rules.of(_project({"metric": "auc"}), "holdout")
