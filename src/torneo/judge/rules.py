"""By what rules models are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torneo.metrics import Metric, metric
from torneo.spec.project import Guardrail, Project
from torneo.spec.records import Protocol


@dataclass(frozen=True)
class Rules:
    """What is compared, how the rows were scored, and what counts as proof."""

    metric: Metric
    protocol: Protocol
    confidence: float
    min_gain: float = 0.0
    guardrails: Mapping[str, Guardrail] = field(default_factory=dict)
    resamples: int = 2_000
    """How often the bootstrap draws."""
    seed: int = 0

    @classmethod
    def of(cls, project: Project, protocol: Protocol) -> Rules:
        """The rules that a project declares.

        Raises:
            NotFoundError: its metric does not exist, or is not one of its task.
        """
        judge = project.judge
        decider = metric(project.metric, project.task)
        return cls(decider, protocol, judge.confidence, judge.min_gain, judge.guardrails, seed=project.split.seed)

    @property
    def level(self) -> float:
        """The highest chance of a wrong promotion, all challengers together."""
        return 1 - self.confidence
