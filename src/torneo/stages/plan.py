"""The plan of a run as data: steps, what each needs, and what decides its result. Every runner reads it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torneo.errors import TorneoError
from torneo.hooks import FILES
from torneo.learn.auto import challengers_of
from torneo.promotion import champion
from torneo.spec.frozen import Frozen
from torneo.spec.records import Decided, GateReport, Prepared, Snapshot, Trained, digest_of
from torneo.stages.context import AnyContext, Context

Results = Mapping[str, Frozen]
Inputs = Mapping[str, str]


def source_content(context: AnyContext, results: Results) -> Inputs:  # noqa: ARG001 - the form of `outside`
    """The digest of what the source has now."""
    return {"source content": context.fingerprint(context.project.source)}


def _present_champion(context: Context, results: Results) -> Inputs:  # noqa: ARG001
    present = champion(context.state, context.project.project)
    return {"champion": "none" if present is None else present.digest}


def _nothing(context: AnyContext, results: Results) -> Inputs:  # noqa: ARG001
    return {}


def _untold(context: AnyContext, results: Results, error: TorneoError) -> None:
    """A step that is refused leaves no record."""


@dataclass(frozen=True)
class Step:
    """One step: a function of the context and of the results it needs."""

    name: str
    """Also the name of its module and function in `torneo.stages`."""
    result: type[Frozen]
    needs: tuple[str, ...]
    parts: tuple[str, ...]
    """The parts of project.yaml that decide its result, as dotted paths."""
    hooks: tuple[str, ...] = ()
    """The project's own files that decide its result."""
    each: bool = False
    """Whether there is one such step for each challenger."""
    outside: Callable[[Any, Results], Inputs] = _nothing
    """What decides its result besides, looked up before it runs."""
    moves: Callable[[Any, Results], Inputs] = _nothing
    """What of that it changes itself, looked up again when it is done."""
    refused: Callable[[Any, Results, TorneoError], None] = _untold
    """Records that it failed, and why; called with what was done before it."""

    @property
    def function(self) -> Callable[..., Frozen]:
        """The step's function; its module, and the libraries it needs, are loaded only when it must run."""
        function: Callable[..., Frozen] = getattr(importlib.import_module(f"torneo.stages.{self.name}"), self.name)
        return function


PLAN: tuple[Step, ...] = (
    Step("ingest", Snapshot, (), ("source",), outside=source_content),
    Step("validate", GateReport, ("ingest",), ("contract", "source"), hooks=("checks",)),
    Step(
        "prepare",
        Prepared,
        ("validate",),
        ("task", "target", "positive", "contract", "split", "prepare.trim"),
        hooks=("features",),
    ),
    Step(
        "train",
        Trained,
        ("prepare",),
        ("project", "task", "target", "positive", "contract", "split", "prepare", "judge.metric", "serve"),
        hooks=("features", "models"),
        each=True,
    ),
    Step(
        "judge",
        Decided,
        ("validate", "prepare", "train"),
        ("project", "task", "target", "positive", "judge"),
        outside=_present_champion,
        moves=_present_champion,
    ),
)


@dataclass(frozen=True)
class Task:
    """A step, or a step for one challenger, ready to run."""

    name: str
    step: Step
    arguments: Mapping[str, str]
    inputs: Inputs
    """What decides its result, by name; the result is the same as long as these are."""

    def run(self, context: AnyContext, results: Results) -> Frozen:
        """Do it."""
        return self.step.function(context, results, **self.arguments)


def tasks(step: Step, context: AnyContext, results: Results) -> list[Task]:
    """What there is to do for a step whose needs are done."""
    inputs = {need: digest_of(result.model_dump(mode="json")) for need, result in _needed(step, results).items()}
    dump = context.project.model_dump(mode="json")
    inputs |= {f"project.yaml {part}": digest_of(_part(dump, part)) for part in step.parts}
    inputs |= {f"{name}.py": context.hooks.digest(name) for name in FILES if name in step.hooks}
    inputs |= {"code of torneo": context.code, **step.outside(context, results)}
    if not step.each:
        return [Task(step.name, step, {}, inputs)]
    prepared = results["prepare"]
    assert isinstance(prepared, Prepared)  # noqa: S101 - for the type checker
    assert isinstance(context, Context)  # noqa: S101
    return [
        Task(
            f"{step.name}:{name}",
            step,
            {"name": name},
            {**inputs, "project.yaml challenger": digest_of(challenger.model_dump(mode="json"))},
        )
        for name, challenger in challengers_of(context.project.challengers, prepared.train.rows).items()
    ]


def _needed(step: Step, results: Results) -> Results:
    return {name: result for name, result in results.items() if name in step.needs or name.split(":")[0] in step.needs}


def _part(dump: Mapping[str, Any], path: str) -> Any:
    value: Any = dump
    for key in path.split("."):
        value = None if value is None else value[key]
    return value
