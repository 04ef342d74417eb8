"""Runs the plan in this process: skips what is unchanged, says why it does what it does, and can be killed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal

from torneo.errors import TorneoError, Transient
from torneo.learn.auto import challengers_of
from torneo.ports import StateStore
from torneo.spec.frozen import Frozen
from torneo.spec.loading import AnyProject
from torneo.spec.project import Project
from torneo.spec.records import digest_of
from torneo.stages.context import AnyContext
from torneo.stages.loading import LOADING
from torneo.stages.plan import PLAN, Step, Task, tasks

STREAM = "runs"
ATTEMPTS = 3
PAUSE = 1.0
"""Seconds before the second attempt; twice as long before the third."""


class StepReport(Frozen):
    """What happened to one step."""

    name: str
    status: Literal["ran", "unchanged"]
    why: str
    seconds: float


class RunReport(Frozen):
    """What a run did."""

    project: str
    steps: tuple[StepReport, ...]
    results: Mapping[str, Any]
    digest: str
    """The digest of all results: two runs with the same inputs have the same."""

    @property
    def unchanged(self) -> bool:
        """Whether there was nothing to do."""
        return all(step.status == "unchanged" for step in self.steps)


Done = tuple[str, Frozen, StepReport]
"""A task's name, its result, and what happened to it."""


def run(context: AnyContext, owner: str, tell: Callable[[StepReport], None]) -> RunReport:
    """Bring a project up to date. Only one run of a project at a time.

    Raises:
        LockedError: another run is at it.
        TorneoError: a step failed; what was done before it stays done.
    """
    project = context.project.project
    with context.state.lock(f"run/{project}", owner):
        results: dict[str, Frozen] = {}
        reports: list[StepReport] = []
        for steps in together(plan_of(context.project)):
            for name, result, step_report in _all_up_to_date(context, steps, results):
                results[name] = result
                reports.append(step_report)
                tell(step_report)
    dumped = {key: result.model_dump(mode="json") for key, result in results.items()}
    digest = digest_of({key: _lasting(value) for key, value in dumped.items()})
    report = RunReport(project=project, steps=tuple(reports), results=dumped, digest=digest)
    if not report.unchanged:
        body = {"steps": [step.model_dump(mode="json") for step in reports], "digest": digest, "owner": owner}
        context.state.append(project, STREAM, digest_of([context.clock.now().isoformat(), owner])[:32], body)
    return report


def _lasting(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result without what names the run that made it."""
    return {key: value for key, value in result.items() if key not in ("run_id", "measured", "at")}


def together(plan: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps of a plan in order; neighbours that do not need each other are together."""
    group: list[Step] = []
    for step in plan:
        if any(other.name in step.needs for other in group):
            yield group
            group = []
        group.append(step)
    yield group


def _all_up_to_date(context: AnyContext, steps: Sequence[Step], results: Mapping[str, Frozen]) -> Iterator[Done]:
    """Bring steps up to date side by side, each with a folder of its own; all end before one that failed is told."""
    known = dict(results)
    if len(steps) == 1:
        yield from _told(context, steps[0], known, _step_up_to_date(context, steps[0], known))
        return
    with ThreadPoolExecutor(len(steps)) as pool:
        coming = []
        for step in steps:
            (work := context.work / step.name).mkdir(exist_ok=True)
            coming.append(pool.submit(list, _step_up_to_date(replace(context, work=work), step, known)))
    for step, future in zip(steps, coming, strict=True):
        yield from _told(context, step, known, _result(future))


def _step_up_to_date(context: AnyContext, step: Step, results: Mapping[str, Frozen]) -> Iterator[Done]:
    for task in tasks(step, context, results):
        result, report = _bring_up_to_date(context, task, results)
        yield task.name, result, report


def _result(future: Future[list[Done]]) -> Iterator[Done]:
    yield from future.result()


def _told(context: AnyContext, step: Step, results: Mapping[str, Frozen], done: Iterator[Done]) -> Iterator[Done]:
    try:
        yield from done
    except TorneoError as error:
        step.refused(context, results, error)
        raise


def _bring_up_to_date(context: AnyContext, task: Task, results: Mapping[str, Frozen]) -> tuple[Frozen, StepReport]:
    known = context.state.get(context.project.project, f"step/{task.name}")
    why = _why(context, task, known)
    if why is None and known is not None:
        result = task.step.result.model_validate(known["result"])
        return result, StepReport(name=task.name, status="unchanged", why="nothing it depends on changed", seconds=0)
    started = time.monotonic()
    result = _attempt(context, task, results)
    seconds = round(time.monotonic() - started, 3)
    inputs = {**task.inputs, **task.step.moves(context, results)}
    if not getattr(result, "complete", True):
        inputs["its search"] = "interrupted"
    body = {
        "inputs": inputs,
        "result": result.model_dump(mode="json"),
        "at": context.clock.now().isoformat(),
        "seconds": seconds,
        "why": why,
    }
    context.state.put(context.project.project, f"step/{task.name}", body)
    return result, StepReport(name=task.name, status="ran", why=why or "", seconds=seconds)


def _why(context: AnyContext, task: Task, known: Mapping[str, Any] | None) -> str | None:
    """Why the step must run, or None."""
    if known is None:
        return "it has not run before"
    if context.force:
        return "--force"
    before = known["inputs"]
    changed = sorted(name for name in {*before, *task.inputs} if before.get(name) != task.inputs.get(name))
    if changed:
        return f"changed: {', '.join(changed)}"
    gone = [key for key in _keys(known["result"]) if not context.objects.exists(key)]
    return f"its output is gone: {gone[0]}" if gone else None


def _keys(value: Any) -> list[str]:
    """All object keys in a result: tables, descriptions, and what is written last of a bundle."""
    if isinstance(value, Mapping):
        own = [value["description"]] if "description" in value else []
        if {"key", "digest"} <= set(value):
            own.append(value["key"] if "rows" in value else f"{value['key']}/digests.json")
        return own + [key for item in value.values() for key in _keys(item)]
    return [key for item in value for key in _keys(item)] if isinstance(value, list | tuple) else []


def _attempt(context: AnyContext, task: Task, results: Mapping[str, Frozen]) -> Frozen:
    for attempt in range(1, ATTEMPTS):
        try:
            return task.run(context, results)
        except Transient as error:
            context.warn(f"{task.name}: {error.message}; attempt {attempt + 1} of {ATTEMPTS} follows")
            time.sleep(PAUSE * attempt)
            for left in context.work.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return task.run(context, results)


def standing(state: StateStore, project: AnyProject) -> dict[str, Mapping[str, Any] | None]:
    """What is known of each step: what decided its result, when it ran, how long and why."""
    challengers = challengers_of(project.challengers, 0) if isinstance(project, Project) else ()
    names = [
        name
        for step in plan_of(project)
        for name in ([f"{step.name}:{one}" for one in challengers] if step.each else [step.name])
    ]
    return {name: state.get(project.project, f"step/{name}") for name in names}


def plan_of(project: AnyProject) -> tuple[Step, ...]:
    """The steps of a project."""
    return PLAN if isinstance(project, Project) else LOADING
