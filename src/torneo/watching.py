"""Watching projects on this installation: the watchdog's desk is made of the runtime's adapters here."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torneo.errors import ConflictError, LockedError, TorneoError
from torneo.notify import senders
from torneo.orchestration import local
from torneo.ports import ObjectStore, Progress
from torneo.promotion import Champion
from torneo.runtime import Runtime
from torneo.serving.follow import open_model
from torneo.serving.model import Model
from torneo.simulation.past import simulated_time
from torneo.sources import fingerprint
from torneo.spec.project import Project
from torneo.spec.records import Decided
from torneo.stages.context import CAUSE
from torneo.testing import FixedClock
from torneo.watchdog import shown
from torneo.watchdog.desk import Desk, Retrained
from torneo.watchdog.journal import set_last_pass
from torneo.watchdog.overlay import Overlay
from torneo.watchdog.shown import Known
from torneo.watchdog.watchdog import Passed, lock_name, watch

if TYPE_CHECKING:
    import polars as pl


class Watched(NamedTuple):
    """A project and its folder."""

    project: Project
    folder: Path
    simulated: bool = False
    """Whether its time is the one up to which `torneo simulate` has played."""


def desk(runtime: Runtime, watched: Watched, progress: Progress, *, dry: bool = False) -> Desk:
    """What the watchdog of a project works with; a dry one writes nothing and tells nobody."""
    project, folder, simulated = watched
    models = Models(project, runtime.objects, runtime.home / "serving", runtime.settings.jobs)

    def retrain(why: str) -> Retrained:
        with runtime.context(project, folder, progress) as context:
            because = dataclasses.replace(context, tags={**context.tags, CAUSE: f"the watchdog: {why}"})
            report = local.run(because, runtime.owner, lambda _: None)
        decided = Decided.model_validate(report.results["judge"])
        words = decided.decision.words
        return Retrained(
            verdict=decided.decision.verdict,
            champion=decided.champion,
            unchanged=report.unchanged,
            words=words[0] if words else decided.decision.verdict,
        )

    return Desk(
        project=project,
        state=Overlay(runtime.state, runtime.clock) if dry else runtime.state,
        log=runtime.predictions,
        refusals=runtime.refusals,
        registry=runtime.registry,
        objects=runtime.objects,
        clock=FixedClock(simulated_time(runtime.state, project.project)) if simulated else runtime.clock,
        owner=runtime.owner,
        fingerprint=lambda: fingerprint(project.source, runtime.folders(folder)),
        retrain=retrain,
        rescore=models.rescore,
        columns=models.columns,
        channels=senders(project.watch.notify),
        dry=dry,
    )


class Models:
    """Versions that answer logged inputs again; the last one stays loaded.

    Args:
        folder: where bundles are kept on this machine.
    """

    def __init__(self, project: Project, objects: ObjectStore, folder: Path, jobs: int) -> None:
        self._open = partial(open_model, objects=objects, folder=folder, threads=jobs)
        self._marked = set(project.contract.personal)
        self._models: dict[str, Model] = {}

    def _model(self, version: Champion) -> Model:
        if version.digest not in self._models:
            self._models = {version.digest: self._open(version)}
        return self._models[version.digest]

    def rescore(self, version: Champion, rows: Sequence[Mapping[str, Any]]) -> Any:
        """A version's answers to logged inputs."""
        model = self._model(version)
        hidden = sorted(self._marked & set(model.scorer.columns))
        if hidden:
            raise ConflictError(f"version {version.number} reads {', '.join(hidden)}, which the log has as hashes only")
        inputs = model.decoder.decode(rows)
        unfit = [finding for finding in inputs.findings if not finding.is_range]
        if unfit:
            raise ConflictError(f"version {version.number} cannot read the logged inputs: {unfit[0].message}")
        return model.scorer.score(inputs.columns)

    def columns(self, version: Champion, inputs: pl.Series) -> pl.DataFrame:
        """The features that a version makes of logged inputs; personal data is no feature here."""
        from torneo.engines.logged import features

        model = self._model(version)
        return features(model.scorer, model.decoder, inputs, self._marked)


def known_alerts(runtime: Runtime, project: str, *, everything: bool = False) -> Sequence[Known]:
    """Open alerts of a project, or all."""
    return shown.known_alerts(runtime.state, project, everything=everything)


def watch_once(runtime: Runtime, watched: Watched, progress: Progress, *, dry: bool = False) -> Passed:
    """One pass over a project.

    Raises:
        LockedError: another watchdog is at work on it.
    """
    with _locked(runtime, watched, dry=dry):
        return _watch(runtime, watched, progress, dry=dry)


def _watch(runtime: Runtime, watched: Watched, progress: Progress, *, dry: bool = False) -> Passed:
    passed = watch(desk(runtime, watched, progress, dry=dry))
    if not dry:
        set_last_pass(runtime.state, watched.project.project, runtime.clock.now())
    return passed


@contextmanager
def _locked(runtime: Runtime, watched: Watched, *, dry: bool) -> Iterator[None]:
    if dry:
        yield
    else:
        with runtime.state.lock(lock_name(watched.project.project), runtime.owner):
            yield


def watch_on(
    runtime: Runtime,
    projects: Sequence[Watched],
    progress: Progress,
    every: float,
    ended: threading.Event,
    tell: Callable[[Passed], None],
    trouble: Callable[[str, TorneoError], None],
) -> None:
    """Pass over projects again and again until `ended`; one that another watchdog has is tried each time.

    The lock of a project is held from the first pass to the end, so that of two watchdogs one acts and one stands by.
    """
    held: dict[str, ExitStack] = {}
    try:
        while not ended.is_set():
            for watched in projects:
                _pass(runtime, watched, progress, held, tell, trouble)
                if ended.is_set():
                    break
            ended.wait(every)
    finally:
        for name, lock in held.items():
            _let_go(name, lock, trouble)


def _pass(
    runtime: Runtime,
    watched: Watched,
    progress: Progress,
    held: dict[str, ExitStack],
    tell: Callable[[Passed], None],
    trouble: Callable[[str, TorneoError], None],
) -> None:
    name = watched.project.project
    try:
        if name not in held:
            stack = ExitStack()
            stack.enter_context(runtime.state.lock(lock_name(name), runtime.owner))
            held[name] = stack
        tell(_watch(runtime, watched, progress))
    except LockedError as error:
        trouble(name, error)
        if name in held:  # it was lost, or another run is at it: the next pass takes it anew
            _let_go(name, held.pop(name), trouble)
    except TorneoError as error:
        trouble(name, error)


def _let_go(name: str, lock: ExitStack, trouble: Callable[[str, TorneoError], None]) -> None:
    try:
        lock.close()
    except TorneoError as error:
        trouble(name, error)
