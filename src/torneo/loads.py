"""Loads, and what can be done with the last one; `torneo.api` offers it to people."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from torneo.errors import GateError, MovedKeysError, TorneoError
from torneo.orchestration import local
from torneo.orchestration.local import RunReport, StepReport
from torneo.ports import Progress
from torneo.runtime import Runtime
from torneo.spec.load_records import LoadReport, Retried
from torneo.spec.loading import LoadProject
from torneo.spec.records import GateReport, Snapshot
from torneo.spec.tables import Window
from torneo.testing.still import SilentProgress

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

SUITES = ("raw", "candidate")


def run(
    runtime: Runtime,
    spec: LoadProject,
    folder: Path,
    progress: Progress,
    tell: Callable[[StepReport], None],
    window: Window | None,
    *,
    force: bool = False,
) -> RunReport:
    """Gate and load the days of a window, and have Great Expectations look at what the gate has judged, if it is to.

    It is asked when others can read the rows already, or when the gate has stopped the run; it decides nothing.

    Raises:
        TorneoError: a step failed; what was done before it stays done.
    """
    try:
        with runtime.load_context(spec, folder, progress, window) as context:
            done = local.run(replace(context, force=force), runtime.owner, tell)
    except GateError:
        _look(runtime, spec, folder, progress, tell)
        raise
    if all(step.status == "unchanged" for step in done.steps if step.name == "gate"):
        return done
    return done.model_copy(update={"steps": (*done.steps, *_look(runtime, spec, folder, progress, tell))})


def _look(
    runtime: Runtime, spec: LoadProject, folder: Path, progress: Progress, tell: Callable[[StepReport], None]
) -> list[StepReport]:
    """What Great Expectations says of the last snapshot, as a step; none if it is not asked, or cannot say."""
    if spec.load.expectations is None:
        return []
    known = local.standing(runtime.state, spec)["ingest"]
    if known is None:
        return []
    started, snapshot = time.monotonic(), Snapshot.model_validate(known["result"])
    with runtime.scratch(spec.project) as work:
        try:
            expectations(runtime, spec, folder, work, progress, snapshot, spec.load.expectations)
        except TorneoError as error:
            progress.step(f"note: Great Expectations did not look: {error.message} ({error.fix})").done()
            return []
        except Exception as error:  # noqa: BLE001 - a record for people; whatever it fails of, the load is as it is
            progress.step(f"note: Great Expectations failed: {type(error).__name__}: {error}"[:500]).done()
            return []
        told = "; ".join(_verdict(work, suite) for suite in SUITES)
    step = StepReport(name="expectations", status="ran", why=told, seconds=round(time.monotonic() - started, 3))
    tell(step)
    return [step]


def _verdict(folder: Path, suite: str) -> str:
    told = json.loads((folder / suite / "validation.json").read_text(encoding="utf-8"))
    broken = [f"{reason} {count}" for reason, count in told["refused"].items() if count]
    shown = ", ".join(broken[:5]) + (", …" if len(broken) > 5 else "")
    return f"{suite}: {'holds' if told['success'] else shown or 'does not hold'} ({told['rows']:,} rows)"


def retry(
    runtime: Runtime,
    spec: LoadProject,
    folder: Path,
    progress: Progress,
    gate: GateReport,
    snapshot: Snapshot,
    file: Path | None = None,
) -> Retried:
    """Gate the refused rows of the last load again with today's contract, and load those that now pass.

    With a `file` (CSV), the rows that are tried are the file's instead. They belong to the run of the last load: what
    passes leaves its rejects, what does not stays there with its new reasons.

    Raises:
        NotFoundError: nothing has been loaded yet.
        ConflictError: the last load stopped, or died, or is not the warehouse's last one.
        SourceError: the file cannot be read.
        GateError: the contract's columns have changed since, or the file corrects what was not refused.
        LockedError: a run is at it.
    """
    from torneo.sources import read_corrected
    from torneo.stages.retry import last_load

    corrected = None if file is None else read_corrected(file, spec.source, snapshot.columns)
    with runtime.state.lock(f"run/{spec.project}", runtime.owner):
        last = last_load(runtime.state, spec, gate)
        again = partial(_retry, runtime, spec, folder, progress, gate, snapshot, last, corrected)
        try:
            return again(None)
        except MovedKeysError as moved:
            return again(moved.keys)


def _retry(
    runtime: Runtime,
    spec: LoadProject,
    folder: Path,
    progress: Progress,
    gate: GateReport,
    snapshot: Snapshot,
    last: LoadReport,
    corrected: pa.Table | None,
    moved: pl.DataFrame | None,
) -> Retried:
    from torneo.engines.corrections import judge_again
    from torneo.stages.retry import retry as load_again

    files = runtime.objects.path(gate.accepted.key), runtime.objects.path(gate.rejected.key)
    with runtime.load_context(spec, folder, progress, last.window) as context:
        functions, work = context.hooks.functions.get("checks", {}), context.work
        bar = context.progress.step("retry")
        again = judge_again(spec, gate, files, corrected, work, SilentProgress(), functions, last.window, moved)
        bar.done(f"{again.tried:,} rows tried")
        load, merged = load_again(context, last, snapshot, gate, again.report, again.accepted)
    return Retried(
        tried=again.tried,
        passed=again.passed,
        refused=again.refused,
        already=again.already,
        outside=again.outside,
        merged=merged,
        load=load,
    )


def expectations(
    runtime: Runtime,
    spec: LoadProject,
    folder: Path,
    target: Path,
    progress: Progress,
    snapshot: Snapshot,
    most_rows: int = 100_000,
) -> Path:
    """Write the suites `raw` and `candidate` with Data Docs into `target` and into the object store.

    Gives the first page of `candidate`. Both look at each n-th row, so many at most, of the last snapshot.

    Raises:
        MissingExtraError: Great Expectations is not installed.
    """
    from torneo.engines.sample import head, sample
    from torneo.reports.expectations import expectations as write
    from torneo.reports.expectations import raw_expectations

    known = runtime.state.get(spec.project, "load")
    window = None if known is None else LoadReport.model_validate(known).window
    data = runtime.objects.path(snapshot.table.key)
    with runtime.load_context(spec, folder, progress, window) as context:
        functions = context.hooks.functions.get("checks", {})
        raw_expectations(spec, head(data, most_rows), target / "raw")
        _keep(runtime, spec, target, "raw")
        page = write(spec, sample(spec, data, functions, progress, most_rows, window=window), target / "candidate")
        _keep(runtime, spec, target, "candidate")
    return page


def _keep(runtime: Runtime, spec: LoadProject, target: Path, suite: str) -> None:
    """Replace what the object store has of a suite: its first page leads to no page of before."""
    prefix = f"{spec.project}/expectations/{suite}/"
    found = sorted(path for path in (target / suite).rglob("*") if path.is_file())
    files = {prefix + path.relative_to(target / suite).as_posix(): path for path in found}
    for key, file in files.items():
        runtime.objects.put(key, file)
    for key in runtime.objects.list(prefix):
        if key not in files:
            runtime.objects.delete(key)
