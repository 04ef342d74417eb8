"""`torneo check`: everything that can be known to go wrong before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from torneo import metrics
from torneo.learn.auto import challengers_of
from torneo.learn.families import check_challenger, family_of
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.stages.context import Context
from torneo.stages.ingest import ingest
from torneo.stages.prepare import prepare
from torneo.stages.validate import validate


def check(context: Context) -> Sequence[str]:
    """Check project, challengers and data; gives what was found to be good, a sentence each.

    Raises:
        TorneoError: the first thing that would stop a run.
    """
    project = context.project
    check_metrics(project)
    names = challengers_of(project.challengers, 0)
    for name, challenger in names.items():
        check_challenger(name, challenger, family_of(challenger, context.hooks), project.task)
    found = [f"project.yaml is valid; it decides by {project.metric}", f"challengers: {', '.join(names)}"]
    results: dict[str, Frozen] = {}
    results["ingest"] = snapshot = ingest(context, results)
    found.append(f"{snapshot.table.rows:,} rows, {len(snapshot.columns)} columns in {snapshot.file}")
    results["validate"] = gate = validate(context, results)
    told = f"{gate.accepted.rows:,} rows accepted, {gate.rejected.rows:,} refused, {gate.left_out:,} left out by where"
    found.append(told)
    if gate.unknown_columns:
        found.append(f"columns the contract does not name are left out: {', '.join(gate.unknown_columns[:20])}")
    prepared = prepare(context, results)
    found.append(
        f"{prepared.train.rows:,} rows to train, {prepared.test.rows:,} to judge, {len(prepared.features)} features"
    )
    return [*found, *(f"mind: {warning}" for warning in prepared.warnings)]


def check_metrics(project: Project) -> None:
    """Refuse a metric or a guardrail that the task does not have.

    Raises:
        NotFoundError: there is none of that name; the message has the nearest one and all there are.
    """
    for name in (project.metric, *project.judge.guardrails):
        if name != "latency_ms":
            metrics.metric(name, project.task)
