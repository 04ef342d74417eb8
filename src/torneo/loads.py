"""What can be done with the last load besides running it again; `torneo.api` offers it to people."""

from __future__ import annotations

from pathlib import Path

from torneo.ports import Progress
from torneo.runtime import Runtime
from torneo.spec.load_records import LoadReport, Retried
from torneo.spec.loading import LoadProject
from torneo.spec.records import GateReport, Snapshot


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
    from torneo.engines.corrections import judge_again
    from torneo.sources import read_corrected
    from torneo.stages.retry import last_load
    from torneo.stages.retry import retry as load_again

    corrected = None if file is None else read_corrected(file, spec.source, snapshot.columns)
    with runtime.state.lock(f"run/{spec.project}", runtime.owner):
        last = last_load(runtime.state, spec, gate)
        files = runtime.objects.path(gate.accepted.key), runtime.objects.path(gate.rejected.key)
        with runtime.load_context(spec, folder, progress, last.window) as context:
            functions = context.hooks.functions.get("checks", {})
            again = judge_again(spec, gate, files, corrected, context.work, context.progress, functions, last.window)
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
