"""Numbers in words."""

from __future__ import annotations

import pytest

from torneo.judge import Rules
from torneo.judge.words import compared, needed, rows_needed, share
from torneo.metrics import metric
from torneo.spec.records import Comparison

RULES = Rules(metric("rmse"), "holdout", 0.95)


def _found(gain: float, half_width: float, **changes: object) -> Comparison:
    fields = {
        "challenger": "b", "metric": "rmse", "champion_score": 1.0, "challenger_score": 1.0 - gain, "gain": gain,
        "low": gain - half_width, "high": gain + half_width, "p_value": 0.2, "p_adjusted": 0.2,
        "test": "paired t-test", "rows": 100, "verdict": "inconclusive",
    }  # fmt: skip
    return Comparison.model_validate({**fields, **changes})


def test_rows_needed_by_the_formula() -> None:
    """Error 0.1, gain 0.1: (1.645 + 0.842)² = 6.18 times the rows, to two digits upwards."""
    assert rows_needed(_found(0.1, 0.196), RULES, 1) == 620
    assert (rows_needed(_found(0.1, 0.196), RULES, 4) or 0) > 620
    assert rows_needed(_found(-0.1, 0.196), RULES, 1) is None


def test_a_narrow_miss_asks_for_new_rows() -> None:
    assert "by a narrow margin" in needed(_found(0.3, 0.196), RULES, 1)


def test_several_challengers_are_mentioned() -> None:
    sentences = compared(_found(0.1, 0.196), "version 2", RULES, 3)
    assert "(paired t-test, corrected for 3 challengers by Holm's method)" in sentences[2]


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "100 %"), (0.0, "less than 0.1 %"), (0.95, "95 %"), (0.123, "12.3 %")]
)
def test_shares(value: float, text: str) -> None:
    assert share(value) == text
