"""Refused rows that now pass, into the tables of the load: its run's window, its run's rejects, its run's line."""

from __future__ import annotations

from pathlib import Path

from torneo.errors import ConflictError, NotFoundError
from torneo.ports import StateStore
from torneo.spec.load_records import LoadReport
from torneo.spec.loading import LoadProject
from torneo.spec.records import GateReport, Snapshot, Table, digest_of
from torneo.spec.tables import Merged
from torneo.stages.context import LoadContext
from torneo.stages.loading import SUITE, named, production, publish, record, runs, status_of

RETRIED = "retried"
"""The record that links the gate as it stands after a retry to the one that the load's steps know."""


def last_load(state: StateStore, project: LoadProject, gate: GateReport) -> LoadReport:
    """The last load, if it came to its end, and the last gate was its own.

    Raises:
        NotFoundError: there was none.
        ConflictError: it stopped or died, so that its accepted rows are perhaps not in the table either, or it went
            into another table.
    """
    name = project.project
    found = state.get(name, "load")
    if found is None:
        raise NotFoundError(f"{name} has not been loaded yet", fix=f"torneo run {name}")
    report = LoadReport.model_validate(found)
    if report.to != project.load.to:
        raise ConflictError(
            f"the last load of {name} went into {report.to}, and the project now loads {project.load.to}",
            fix=f"torneo run {name}",
        )
    if report.merged is None or _loaded_gate(state, name) != _first_gate(state, name, gate):
        raise ConflictError(
            f"the last load of {name} ({report.days}) did not come to its end: its good rows may not be loaded either",
            fix=f"torneo run {name}",
        )
    return report


def _loaded_gate(state: StateStore, name: str) -> str | None:
    """The digest of the gate whose rows the last finished load merged."""
    step = state.get(name, "step/report")
    return None if step is None else str(step["inputs"]["gate"])


def _first_gate(state: StateStore, name: str, gate: GateReport) -> str:
    """The digest of a gate as its step left it, before any retry."""
    digest, link = digest_of(gate.model_dump(mode="json")), state.get(name, RETRIED)
    return str(link["first"]) if link is not None and link["gate"] == digest else digest


def retry(
    context: LoadContext, last: LoadReport, snapshot: Snapshot, before: GateReport, gate: GateReport, accepted: Path
) -> tuple[LoadReport, Merged]:
    """Merge what a second gate let pass, and take it out of the rejects of the load's run; missing keys stay.

    All of it belongs to the run of the `last` load. The same rows again change nothing.

    Args:
        context: with the window of the last load.
        last: the load whose rows were refused.
        snapshot: what that load read.
        before: its gate, as it stands.
        gate: the same after the second gate; tables that have changed are in the context's work folder.
        accepted: the rows that passed.

    Raises:
        ConflictError: another load has run in the warehouse since.
    """
    _check_last(context, last)
    tables, now = context.project.tables(snapshot.columns), context.clock.now()
    context.warehouse.migrate(tables)
    merged = Merged(staged=0, inserted=0, updated=0, reactivated=0, unchanged=0, deactivated=0)
    if gate.accepted != before.accepted:
        rules = context.project.rules(context.window).model_copy(update={"missing": "keep"})
        merged = context.warehouse.merge(tables, last.run, accepted, rules, now)
        _remember(context, snapshot)
    parts = {"accepted": gate.accepted, "rejected": gate.rejected}
    kept = gate.model_copy(update={name: _keep(context, table, name) for name, table in parts.items()})
    if kept.rejected != before.rejected:
        rejected = named(context, tables, context.objects.path(kept.rejected.key))
        context.warehouse.write_rejects(tables, last.run, SUITE, rejected, now)
    return _told(context, last, kept, merged), merged


def _check_last(context: LoadContext, last: LoadReport) -> None:
    known = runs(context)
    if not known or known[0]["run_id"] != last.run:
        name = context.project.project
        raise ConflictError(
            f"the warehouse does not have the last load that this machine knows of ({last.run[:12]}) as its last one: "
            f"another load of {name} has run since",
            fix=f"torneo run {name}",
        )


def _remember(context: LoadContext, snapshot: Snapshot) -> None:
    """What production has now is what the load's merge has left, so that the next run has nothing to do."""
    name, key = context.project.project, "step/merge"
    known = context.state.get(name, key)
    if known is not None:
        inputs = {**known["inputs"], **production(context, {"ingest": snapshot})}
        context.state.put(name, key, {**known, "inputs": inputs})


def _keep(context: LoadContext, table: Table, folder: str) -> Table:
    return table if "/" in table.key else context.keep(table, context.work / table.key, folder)


def _told(context: LoadContext, last: LoadReport, gate: GateReport, merged: Merged) -> LoadReport:
    """Write down how the run stands; nothing where it stands as before."""
    name, before = context.project.project, last.merged
    assert before is not None  # noqa: S101 - for the type checker
    report = last.model_copy(
        update={
            "status": status_of(gate),
            "rows": gate.rows,
            "accepted": gate.accepted.rows,
            "rejected": gate.rejected.rows,
            "reasons": gate.reasons,
            "merged": Merged(**{key: getattr(before, key) + value for key, value in merged.model_dump().items()}),
        }
    )
    first = _loaded_gate(context.state, name)
    dump = gate.model_dump(mode="json")
    context.state.put(name, RETRIED, {"first": first, "gate": digest_of(dump)})
    context.state.put(name, "gate", dump)
    if report == last:
        return last
    record(context, last.run, report.status, report)
    return publish(context, report)
