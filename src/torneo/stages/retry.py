"""Refused rows that now pass, into the tables of the load."""

from __future__ import annotations

from torneo.errors import ConflictError, NotFoundError
from torneo.ports import StateStore
from torneo.spec.load_records import LoadReport
from torneo.spec.loading import LoadProject
from torneo.spec.records import GateReport, Snapshot, Table, digest_of
from torneo.stages.context import LoadContext
from torneo.stages.loading import SUITE, named, outcome, record, run_id


def last_load(state: StateStore, project: LoadProject, gate: GateReport) -> LoadReport:
    """The last load, if it came to its end, and the last gate was its own.

    Raises:
        NotFoundError: there was none.
        ConflictError: it stopped or died, so that its accepted rows are perhaps not in the table either.
    """
    name = project.project
    found, step = state.get(name, "load"), state.get(name, "step/report")
    if found is None:
        raise NotFoundError(f"{name} has not been loaded yet", fix=f"torneo run {name}")
    report = LoadReport.model_validate(found)
    finished = step is not None and step["inputs"]["gate"] == digest_of(gate.model_dump(mode="json"))
    if report.merged is None or not finished:
        raise ConflictError(
            f"the last load of {name} ({report.days}) did not come to its end: its good rows may not be loaded either",
            fix=f"torneo run {name}",
        )
    return report


def retry(context: LoadContext, last: LoadReport, snapshot: Snapshot, report: GateReport) -> LoadReport:
    """Merge what a second gate of the refused rows of the `last` load let pass; keys that are missing stay.

    The same rows and the same contract again are the same run, which changes nothing. The rejects of the first run
    stay as they are; rows that are still refused are written as rejects of this run.

    Args:
        context: with the window of the last load.
        last: the load whose rows were refused.
        snapshot: what that load read.
        report: the second gate; its tables are in the context's work folder.
    """
    kept = context.keep_gate(report, context.work)
    tables, now = context.project.tables(snapshot.columns), context.clock.now()
    rows = Table(key="", digest=digest_of([last.run, kept.accepted.digest, kept.rejected.digest]), rows=report.rows)
    again = snapshot.model_copy(update={"table": rows})
    run = run_id(context, again)
    context.warehouse.migrate(tables)
    record(context, run, "running")
    rejected = named(context, tables, context.objects.path(kept.rejected.key))
    context.warehouse.write_rejects(tables, run, SUITE, rejected, now)
    rules = context.project.rules(context.window).model_copy(update={"missing": "keep"})
    merged = context.warehouse.merge(tables, run, context.objects.path(kept.accepted.key), rules, now)
    result = outcome(context, run, again, kept, merged=merged)
    record(context, run, result.status, result)
    return result
