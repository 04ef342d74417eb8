"""What a paired test finds, and the step from a standard error to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torneo.judge.predictions import Predictions
from torneo.metrics import Metric


@dataclass(frozen=True)
class Evidence:
    """How much better the challenger is, in units of the metric; a positive gain is better."""

    gain: float
    low: float
    """Lower end of the two-sided interval of the gain."""
    high: float
    p_value: float
    """One-sided: the chance of such a gain if the challenger were not better by more than `min_gain`."""
    test: str


class PairedTest(Protocol):
    """Compares two models on the same rows."""

    def __call__(
        self, champion: Predictions, challenger: Predictions, metric: Metric, *, confidence: float, min_gain: float
    ) -> Evidence:
        """Test whether the challenger is better by more than `min_gain`."""
        ...


def student_upper(statistic: float, degrees: float) -> float:
    """The chance that Student's t exceeds the statistic; `degrees` may be infinite (the normal distribution).

    >>> round(student_upper(1.812, 10), 3)
    0.05
    """
    from scipy.special import stdtr

    return float(stdtr(degrees, -statistic))


def student_quantile(share: float, degrees: float) -> float:
    """The point below which Student's t falls with the given chance.

    >>> round(student_quantile(0.95, 10), 3)
    1.812
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, share))


def from_error(
    gain: float, error: float, degrees: float, rows: int, *, confidence: float, min_gain: float, test: str
) -> Evidence:
    """Evidence from a gain with its standard error and degrees of freedom.

    Where all rows agree exactly there is no error to divide by; the p-value is then that of the exact sign-flip
    test (Fisher 1935), 2^-rows, or 1 if the gain is not above `min_gain`.
    """
    if error <= 1e-12 * max(abs(gain), 1e-300):
        p_value = 0.5**rows if gain > min_gain else 1.0
        return Evidence(gain, gain, gain, p_value, test)
    width = student_quantile((1 + confidence) / 2, degrees) * error
    p_value = student_upper((gain - min_gain) / error, degrees)
    return Evidence(gain, gain - width, gain + width, p_value, test)
