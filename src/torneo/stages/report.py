"""What a load did, for people: a page in the object store."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.frozen import Frozen
from torneo.spec.load_records import Loaded, LoadReport
from torneo.spec.records import GateReport
from torneo.stages.context import LoadContext
from torneo.stages.loading import needed, outcome, publish


def report(context: LoadContext, results: Mapping[str, Frozen]) -> LoadReport:
    """Write the page, and add the load to the project's history."""
    snapshot, landed = needed(results)
    gate, loaded = results["gate"], results["merge"]
    assert isinstance(gate, GateReport)  # noqa: S101 - for the type checker
    assert isinstance(loaded, Loaded)  # noqa: S101
    return publish(context, outcome(context, landed.run, snapshot, gate, merged=loaded.merged))
