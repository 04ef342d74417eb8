"""Where the computing happens, and what is computed: engines and families of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from torneo.ports.machine import Progress
from torneo.spec.loading import AnyProject
from torneo.spec.project import Scalar, Task
from torneo.spec.records import GateReport, Snapshot
from torneo.spec.space import Space
from torneo.spec.tables import Window

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Where the computing happens."""

    def gate(
        self,
        project: AnyProject,
        snapshot: Snapshot,
        data: Path,
        folder: Path,
        progress: Progress,
        checks: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
        window: Window | None = None,
    ) -> GateReport:
        """Split the rows of the snapshot's Parquet file by the contract, in bounded memory.

        Writes `accepted.parquet` and `rejected.parquet` into `folder`; the report's tables have their names as keys.
        `checks` are the functions of the project's checks.py by name, each from a narwhals frame to an expression.
        Rows whose day is outside the `window` are left out and counted.

        Raises:
            GateError: a column is missing, or the contract asks for something that its columns cannot give.
            HookError: a function of checks.py fails.
        """
        ...

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to independent items, side by side, giving results in the items' order."""
        ...


class Family(Protocol):
    """A kind of model: a module of `torneo.models`, or an object that an entry point names."""

    TASKS: tuple[Task, ...]
    """What it can learn."""
    SCALES: bool
    """Whether the scale of its inputs matters; where it does not, `scale` is left out of the preparation."""
    HANDLES_MISSING: bool
    """Whether numeric inputs may be missing (NaN)."""

    def build(self, task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:
        """An unfitted estimator with scikit-learn's interface; equal arguments and rows give equal models.

        Classification learns the codes 0 … k - 1 and has `predict_proba`.
        """
        ...

    def parameters(self, task: Task) -> frozenset[str]:
        """The names that `params` may have."""
        ...

    def space(self, task: Task, rows: int, columns: int) -> Space:
        """Where a search looks, for so many training rows and inputs."""
        ...

    def refuse(self, params: Mapping[str, Scalar]) -> str | None:
        """Why a model with these parameters cannot become an ONNX bundle; None if it can."""
        ...

    def contributions(self, estimator: Any, Z: Any) -> Any:
        """SHAP values (rows, columns) of a fitted estimator, or (rows, columns, classes) for three classes or more.

        Z (rows, columns) is what the preparation made. None where the family has no exact, quick way.
        """
        ...
