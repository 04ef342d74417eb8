"""From a name to a family of models: ours, a plug-in, or a function in the project's models.py."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torneo import plugins
from torneo.errors import HookError, NotFoundError, TrainError
from torneo.hooks import Hooks, explained
from torneo.ports import Family
from torneo.spec.project import Challenger, Scalar, Task
from torneo.spec.space import Space


@dataclass
class FunctionFamily:
    """A family that is one function of the project: `def mine(task, params, seed): return an estimator`."""

    function: Callable[..., Any]
    TASKS: tuple[Task, ...] = ("regression", "classification")
    SCALES: bool = True
    HANDLES_MISSING: bool = False

    def build(self, task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:  # noqa: ARG002
        """Call the function.

        Raises:
            HookError: it fails, or does not give an estimator; the message has its file and line.
        """
        path = Path(inspect.unwrap(self.function).__code__.co_filename)
        with explained(path):
            made = self.function(task, dict(params), seed)
        if not (hasattr(made, "fit") and hasattr(made, "get_params")):
            name = self.function.__name__
            raise HookError(
                f"{path}: {name}() must give an estimator as scikit-learn has them, not {type(made).__name__}"
            )
        return made

    def parameters(self, task: Task) -> frozenset[str]:
        """What the function's estimator accepts."""
        return frozenset(self.build(task, {}, seed=0, jobs=1).get_params(deep=False))

    def space(self, task: Task, rows: int, columns: int) -> Space:  # noqa: ARG002 - the port's form
        """Nothing to search unless the project says so."""
        return {}

    def refuse(self, params: Mapping[str, Scalar]) -> str | None:  # noqa: ARG002 - the port's form
        """Nothing is known of it before it is exported."""
        return None

    def contributions(self, estimator: Any, Z: Any) -> Any:  # noqa: ARG002 - the port's form
        """No exact way is known."""
        return None


def family_of(challenger: Challenger, hooks: Hooks) -> Family:
    """The family that a challenger names.

    Raises:
        NotFoundError: there is none of that name; the message has the nearest one.
    """
    own = hooks.functions.get("models", {})
    if challenger.model in own:
        return FunctionFamily(own[challenger.model])
    family: Family = plugins.load("models", challenger.model)
    return family


def check_challenger(name: str, challenger: Challenger, family: Family, task: Task) -> None:
    """Refuse what could not be trained or exported, before anything is trained.

    Raises:
        TrainError: the family cannot learn the task, or cannot be exported with these parameters.
        NotFoundError: a parameter does not exist.
    """
    if task not in family.TASKS:
        raise TrainError(f"challengers.{name}: {challenger.model} cannot learn {task}")
    known = family.parameters(task)
    searched = challenger.search.space if challenger.search is not None else None
    for parameter in (*challenger.params, *(searched or ())):
        if parameter not in known:
            near = difflib.get_close_matches(parameter, sorted(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known))}"
            raise NotFoundError(f"challengers.{name}: {challenger.model} has no parameter {parameter!r} ({hint})")
    candidates = [dict(challenger.params)]
    candidates += [{**challenger.params, key: value} for key, values in (searched or {}).items() for value in values]
    for params in candidates:
        reason = family.refuse(params)
        if reason is not None:
            raise TrainError(f"challengers.{name}: {reason}")
