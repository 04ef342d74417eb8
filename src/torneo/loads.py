"""What can be done with the last load besides running it again; `torneo.api` offers it to people."""

from __future__ import annotations

from pathlib import Path

from torneo.ports import Progress
from torneo.runtime import Runtime
from torneo.spec.load_records import LoadReport
from torneo.spec.loading import LoadProject
from torneo.spec.records import GateReport, Snapshot


def retry(
    runtime: Runtime, spec: LoadProject, folder: Path, progress: Progress, gate: GateReport, snapshot: Snapshot
) -> LoadReport:
    """Gate the refused rows of the last load again with today's contract, and load those that now pass.

    Raises:
        NotFoundError: nothing has been loaded yet.
        ConflictError: the last load stopped, or died.
        GateError: the contract's columns have changed since.
        LockedError: a run is at it.
    """
    from torneo.engines import quarantine
    from torneo.stages.retry import last_load
    from torneo.stages.retry import retry as load_again

    with runtime.state.lock(f"run/{spec.project}", runtime.owner):
        last = last_load(runtime.state, spec, gate)
        with runtime.load_context(spec, folder, progress, last.window) as context:
            again = quarantine.retry(
                spec,
                runtime.objects.path(gate.rejected.key),
                context.work,
                context.progress,
                context.hooks.functions.get("checks", {}),
                accepted=runtime.objects.path(gate.accepted.key),
                window=last.window,
            )
            return load_again(context, last, snapshot, again)


def expectations(
    runtime: Runtime, spec: LoadProject, folder: Path, target: Path, progress: Progress, snapshot: Snapshot
) -> Path:
    """Write the suites `raw` and `candidate` with Data Docs into `target` and into the object store.

    Gives the first page of `candidate`. Both look at each n-th row, 100,000 at most, of the last snapshot.

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
        raw_expectations(spec, head(data), target / "raw")
        page = write(spec, sample(spec, data, functions, progress, window=window), target / "candidate")
    for suite in ("raw", "candidate"):
        for file in sorted(path for path in (target / suite).rglob("*") if path.is_file()):
            runtime.objects.put(f"{spec.project}/expectations/{file.relative_to(target).as_posix()}", file)
    return page
