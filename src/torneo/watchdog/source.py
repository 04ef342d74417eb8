"""Whether the source has content that no model was judged on yet: by its digest, never by a file's date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.errors import TorneoError
from torneo.ports import StateStore
from torneo.spec.records import digest_of
from torneo.watchdog.findings import Finding, finding

NEW, UNREADABLE = "source", "unreadable source"


def judged_on(state: StateStore, project: str) -> str | None:
    """The digest of the source's content that the last verdict rests on; None where a run stopped on the way to one."""
    steps = {name: state.get(project, f"step/{name}") for name in ("ingest", "validate", "prepare", "judge")}
    ingest, validate, prepare, judge = (steps[name] for name in ("ingest", "validate", "prepare", "judge"))
    if ingest is None or validate is None or prepare is None or judge is None:
        return None
    chain = ((validate, "ingest", ingest), (prepare, "validate", validate), (judge, "prepare", prepare))
    if any(later["inputs"].get(name) != digest_of(earlier["result"]) for later, name, earlier in chain):
        return None
    content: str | None = _content(ingest)
    return content


def _content(ingest: Mapping[str, Any]) -> str | None:
    found = ingest["inputs"].get("source content")
    return None if found is None else str(found)


def new_data(content: str | None, judged: str | None, error: TorneoError | None) -> list[Finding]:
    """What to say of the source as it is now."""
    if error is not None:
        why = f"the source cannot be read: {error.message}"
        return [finding("data", UNREADABLE, value=1, bar=0, size=1, why=why)]
    if content != judged:
        why = f"the source has new content ({str(content)[:12]}…): no model was judged on it yet"
        if judged is None:
            why = f"the last run stopped before a verdict: none rests on the source as it is ({str(content)[:12]}…)"
        return [finding("data", NEW, value=1, bar=0, size=1, why=why)]
    return []
