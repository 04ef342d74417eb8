"""Paired tests, guardrails and the verdict."""

from torneo.judge.decide import decide
from torneo.judge.predictions import Predictions, check_same_rows
from torneo.judge.rules import Rules

__all__ = ["Predictions", "Rules", "check_same_rows", "decide"]
