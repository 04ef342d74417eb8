"""The plan of a load as data, and what its steps share: the run's id, its line in `dqm.dq_runs`, its page."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torneo.checks import REPEATED_ROW
from torneo.errors import ConflictError, NotFoundError, TorneoError
from torneo.spec.frozen import Frozen
from torneo.spec.load_records import Landed, Loaded, LoadReport, Status
from torneo.spec.records import GateReport, Snapshot, digest_of
from torneo.spec.tables import RUNS, LoadTables, Merged, RunLine
from torneo.stages.context import LoadContext
from torneo.stages.plan import Inputs, Results, Step, source_content

SUITE = "candidate"
"""The name of the rules that refused rows are judged by."""
STREAM = "loads"
BEGUN = "begun"
"""The record of the last run that began here."""
LONGEST = datetime.timedelta(days=1)
"""So long a run of another home may be at work."""


def run_id(context: LoadContext, snapshot: Snapshot) -> str:
    """The id of a run: the same rows, judged by the same contract for the same window, are the same run."""
    project, window = context.project, context.window
    source = project.source.model_dump(mode="json", include={"nulls", "where", "decimal"})
    contract = project.contract.model_dump(mode="json", exclude={"max_rejected"})
    days = None if window is None else window.model_dump(mode="json")
    own = context.hooks.digest("checks")
    return digest_of([project.project, days, snapshot.table.digest, contract, source, own])[:32]


def runs(context: LoadContext) -> Sequence[dict[str, Any]]:
    """The project's runs that the warehouse knows (id, status, time, details), the last one first."""
    try:
        found = context.warehouse.read(RUNS, where={"project": context.project.project})
    except NotFoundError:
        return []
    return found.sort("checked_at", descending=True).select("run_id", "status", "checked_at", "details").to_dicts()


def _landed(context: LoadContext, results: Results) -> Inputs:
    """The window, and whether the warehouse has this run: one that was emptied since needs everything again."""
    snapshot = results["ingest"]
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - for the type checker
    run = run_id(context, snapshot)
    known = any(line["run_id"] == run for line in runs(context))
    return {**_days(context, results), "warehouse": "has the run" if known else "does not have the run"}


def _days(context: LoadContext, results: Results) -> Inputs:  # noqa: ARG001 - the form of `outside`
    window = context.window
    return {"window": "all" if window is None else f"{window.first} to {window.last}"}


def production(context: LoadContext, results: Results) -> Inputs:
    """The last run that may have changed the production table, and what the table has: others may write, too."""
    snapshot, known = results["ingest"], runs(context)
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - for the type checker
    held = context.warehouse.held(context.project.tables(snapshot.columns), context.window)
    return {
        "last load": known[0]["run_id"] if known else "nothing loaded",
        "production table": "is not there" if held is None else digest_of(held.model_dump(mode="json")),
    }


def refuse_shared(context: LoadContext) -> None:
    """Refuse to deactivate rows in a table that another project loads, too: to this one, the other's are missing.

    Raises:
        ConflictError: `dqm.dq_runs` knows of another project with the same table.
    """
    name, load = context.project.project, context.project.load
    if load.missing == "keep":
        return
    try:
        found = context.warehouse.read(RUNS).select("project", "details").iter_rows()
    except NotFoundError:
        return
    others = sorted({project for project, details in found if project != name and _to(details) == load.to})
    if others:
        raise ConflictError(
            f"{load.to} is also the table of {', '.join(others[:3])}, and with `missing: deactivate` each of the two "
            "would deactivate what the other has loaded",
            fix="set `missing: keep` or load into another table; if the other project is no more, delete its lines "
            f"from {RUNS}",
        )


def _to(details: str) -> str | None:
    return None if '"to"' not in details else json.loads(details).get("to")


def needed(results: Results) -> tuple[Snapshot, Landed]:
    """The snapshot and the run, which every later step needs."""
    snapshot, landed = results["ingest"], results["raw"]
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - for the type checker
    assert isinstance(landed, Landed)  # noqa: S101
    return snapshot, landed


def line_of(context: LoadContext, run: str, status: Status, details: Frozen | None = None) -> RunLine:
    """A run's line in `dqm.dq_runs`."""
    dump = {} if details is None else details.model_dump(mode="json", exclude={"page", "status", "run", "project"})
    project, now = context.project.project, context.clock.now()
    return RunLine(run=run, project=project, suite=SUITE, status=status, details=dump, at=now)


def record(context: LoadContext, run: str, status: Status, details: Frozen | None = None) -> None:
    """Write the run's line in `dqm.dq_runs`; a line that a killed process left at `running` is mended first."""
    _mend(context, run)
    if status == "running":
        context.state.put(context.project.project, BEGUN, {"run": run})
    context.warehouse.record_run(line_of(context, run, status, details))


def _mend(context: LoadContext, run: str) -> None:
    """Runs that began here are dead, as this one has the lock; those of others may be alive for a day."""
    name, now = context.project.project, context.clock.now()
    begun = (context.state.get(name, BEGUN) or {}).get("run")
    for line in runs(context):
        if line["status"] != "running" or line["run_id"] == run:
            continue
        if line["run_id"] == begun or now - line["checked_at"] > LONGEST:
            known = {**json.loads(line["details"]), "error": f"its process ended before it did; run {run} came after"}
            at, dead = line["checked_at"], line["run_id"]
            context.warehouse.record_run(
                RunLine(run=dead, project=name, suite=SUITE, status="stopped", details=known, at=at)
            )


def status_of(gate: GateReport) -> Status:
    """How a run ended that has merged; copies of accepted rows lose nothing."""
    return "passed" if gate.rejected.rows == gate.reasons.get(REPEATED_ROW, 0) else "rejected_rows"


def outcome(
    context: LoadContext,
    run: str,
    snapshot: Snapshot | None,
    gate: GateReport | None,
    *,
    merged: Merged | None = None,
    error: str = "",
) -> LoadReport:
    """The report of a run that has merged, or stopped for the reason `error`, perhaps before any row came."""
    came = 0 if snapshot is None else snapshot.table.rows
    return LoadReport(
        project=context.project.project,
        run=run,
        to=context.project.load.to,
        source="" if snapshot is None else snapshot.source,
        file="" if snapshot is None else snapshot.file,
        window=context.window,
        status="stopped" if merged is None or gate is None else status_of(gate),
        rows=came if gate is None else gate.rows,
        left_out=0 if gate is None else gate.left_out,
        outside_window=0 if gate is None else gate.outside_window,
        accepted=0 if gate is None else gate.accepted.rows,
        rejected=0 if gate is None else gate.rejected.rows,
        reasons={} if gate is None else gate.reasons,
        merged=merged,
        error=error,
    )


def publish(context: LoadContext, report: LoadReport) -> LoadReport:
    """Keep a report: its page in the object store, its line in the project's history."""
    from torneo.reports.load_page import load_page

    name, now = context.project.project, context.clock.now()
    key = f"{name}/loads/{report.run}.html"
    context.objects.put(key, load_page(report, now).encode())
    kept = report.model_copy(update={"page": key})
    body = kept.model_dump(mode="json")
    context.state.put(name, "load", body)
    context.state.append(name, STREAM, digest_of([report.run, now.isoformat()])[:32], body)
    return kept


def _refused(context: LoadContext, results: Results, error: TorneoError) -> None:
    """Record that the run stopped and why, in the warehouse if it answers, and in the history."""
    snapshot, gate = results.get("ingest"), results.get("gate")
    assert isinstance(snapshot, Snapshot | None)  # noqa: S101 - for the type checker
    assert isinstance(gate, GateReport | None)  # noqa: S101
    if snapshot is None:
        run = digest_of([context.project.project, _days(context, results), "no rows came"])[:32]
    else:
        run = run_id(context, snapshot)
    report = outcome(context, run, snapshot, gate, error=error.message)
    try:
        record(context, run, "stopped", report)
    except TorneoError as further:
        context.warn(f"{RUNS} does not say that the run stopped: {further.message}")
    publish(context, report)


def named(context: LoadContext, tables: LoadTables, rows: Path) -> Path:
    """The file with its columns named as the contract names them; the same one where they already are."""
    import polars as pl

    renamed = {header: name for name, header in context.project.headers(tables.raw_columns).items() if header != name}
    if not renamed:
        return rows
    further = [name for name in pl.read_parquet_schema(rows) if name.startswith("__")]
    columns = [pl.col(header).alias(name) for name, header in context.project.headers(tables.raw_columns).items()]
    file = context.work / f"named-{rows.name}"
    pl.scan_parquet(rows).select(*columns, *further).sink_parquet(file)
    return file


LOADING: tuple[Step, ...] = (
    Step("ingest", Snapshot, (), ("source",), outside=source_content, refused=_refused),
    Step(
        "raw",
        Landed,
        ("ingest",),
        ("contract", "source", "load"),
        hooks=("checks",),
        outside=_landed,
        moves=_landed,
        refused=_refused,
    ),
    Step("gate", GateReport, ("ingest",), ("contract", "source"), hooks=("checks",), outside=_days, refused=_refused),
    Step(
        "merge",
        Loaded,
        ("ingest", "raw", "gate"),
        ("contract", "load"),
        outside=production,
        moves=production,
        refused=_refused,
    ),
    Step("report", LoadReport, ("ingest", "raw", "gate", "merge"), ("project", "load"), refused=_refused),
)
"""Raw and gate read the snapshot alone, so they run side by side."""
