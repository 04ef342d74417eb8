"""Who is champion. The append-only stream `decisions` is the truth; the registry's aliases follow it.

Every change is made under one lock, entry first, aliases after; if a process dies in between, the next one to look
sets the aliases again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torneo.errors import ConflictError, NotFoundError
from torneo.ports import Entry, ModelRegistry, StateStore, Version
from torneo.spec.frozen import Frozen
from torneo.spec.records import Decision, digest_of

STREAM = "decisions"
BY_HAND = ("promote", "rollback")
"""The actions of people; `promote` is also the judge's, which takes nothing that is barred."""


class Champion(Frozen):
    """The version that serves."""

    number: int
    digest: str
    """The digest of its bundle."""
    bundle: str
    """The object key of its bundle."""
    challenger: str

    @classmethod
    def of(cls, version: Version) -> Champion:
        """The champion that a version would be."""
        return cls(number=version.number, digest=version.digest, bundle=version.bundle, challenger=version.challenger)


def history(state: StateStore, project: str) -> Sequence[Entry]:
    """All decisions, oldest first; the chain of digests is verified on the way."""
    return state.read(project, STREAM)


def champion(state: StateStore, project: str) -> Champion | None:
    """The present champion."""
    return _named(_last(state, project), "champion")


def previous(state: StateStore, project: str) -> Champion | None:
    """The champion before the present one."""
    return _named(_last(state, project), "previous")


def count(state: StateStore, project: str) -> int:
    """How many decisions there are."""
    entries = state.read(project, STREAM, last=1)
    return entries[-1].sequence if entries else 0


def reigns_since(state: StateStore, project: str, decisions: int) -> frozenset[str]:
    """The digests of all that have been champion since there were so many decisions."""
    later = count(state, project) - decisions
    entries = state.read(project, STREAM, last=later) if later > 0 else ()
    reigns = (_named(entry.body, "champion") for entry in entries)
    return frozenset(reign.digest for reign in reigns if reign is not None)


def _last(state: StateStore, project: str) -> Mapping[str, Any]:
    entries = state.read(project, STREAM, last=1)
    return entries[-1].body if entries else {}


def _named(body: Mapping[str, Any], name: str) -> Champion | None:
    found = body.get(name)
    return None if found is None else Champion.model_validate(found)


def version(registry: ModelRegistry, project: str, number: int) -> Version:
    """A registered version by its number.

    Raises:
        NotFoundError: there is no such version.
    """
    versions = {version.number: version for version in registry.versions(project)}
    if number not in versions:
        known = ", ".join(str(known) for known in versions) or "none"
        raise NotFoundError(f"{project} has no version {number} (there are: {known})")
    return versions[number]


def guard(project: str) -> str:
    """The name of the lock under which champions change."""
    return f"champion/{project}"


def record(
    state: StateStore,
    registry: ModelRegistry,
    project: str,
    *,
    action: str,
    new: Version | None,
    by: str,
    why: str,
    decision: Decision | None = None,
    evidence: str = "",
) -> Entry:
    """Append a decision and let the aliases follow; `new` is the version that becomes champion, None changes none.

    The same `evidence` against the same champion is the same decision, and is written once. Call it under `guard`.
    """
    now = champion(state, project)
    then = previous(state, project)
    changes = new is not None and (now is None or now.digest != new.digest)
    body = {
        "action": action,
        "champion": _dump(Champion.of(new) if changes and new is not None else now),
        "previous": _dump(now if changes else then),
        "by": by,
        "why": why,
        "decision": None if decision is None else decision.model_dump(mode="json"),
        "evidence": evidence,
    }
    count = len(state.read(project, STREAM)) if not evidence else 0
    identity = digest_of([evidence, None if now is None else now.digest, action, count])[:32]
    entry = state.append(project, STREAM, identity, body)
    follow(state, registry, project)
    return entry


def _dump(reign: Champion | None) -> dict[str, Any] | None:
    return None if reign is None else reign.model_dump(mode="json")


def follow(state: StateStore, registry: ModelRegistry, project: str) -> None:
    """Set the aliases `champion` and `previous` to what the stream says."""
    wanted = {"previous": previous(state, project), "champion": champion(state, project)}
    aliases = {alias: version.number for version in registry.versions(project) for alias in version.aliases}
    for alias, reign in wanted.items():
        number = None if reign is None else reign.number
        if aliases.get(alias) != number:
            registry.set_alias(project, alias, number)


def promote(
    state: StateStore, registry: ModelRegistry, project: str, number: int, *, by: str, why: str, owner: str
) -> Entry:
    """Make a version champion by hand.

    Raises:
        NotFoundError: there is no such version.
        ConflictError: it is champion already.
    """
    with _at_hand(state, registry, project, owner):
        new = version(registry, project, number)
        now = champion(state, project)
        if now is not None and now.number == number:
            raise ConflictError(f"version {number} of {project} is champion already")
        return record(state, registry, project, action="promote", new=new, by=by, why=why)


def rollback(state: StateStore, registry: ModelRegistry, project: str, *, by: str, why: str, owner: str) -> Entry:
    """Go back to the last champion that was not itself rolled back; the one that goes is not promoted by itself again.

    Raises:
        ConflictError: there is none.
    """
    with _at_hand(state, registry, project, owner):
        now, gone = champion(state, project), barred(state, project)
        reigns = [_named(entry.body, "champion") for entry in reversed(history(state, project))]
        known = [reign for reign in reigns if reign is not None and reign != now and reign.digest not in gone]
        if not known:
            raise ConflictError(
                f"{project} has no previous champion to go back to",
                fix="torneo history shows what was champion; torneo promote takes any version" if gone else None,
            )
        new = next(version for version in registry.versions(project) if version.number == known[0].number)
        return record(state, registry, project, action="rollback", new=new, by=by, why=why)


@contextmanager
def _at_hand(state: StateStore, registry: ModelRegistry, project: str, owner: str) -> Iterator[None]:
    """The champion's lock, with the aliases at what the stream says: a process may have died in between."""
    with state.lock(guard(project), owner):
        follow(state, registry, project)
        yield


def barred(state: StateStore, project: str) -> Mapping[str, str]:
    """Digest to reason of the versions that were rolled back and not promoted by hand since."""
    reasons: dict[str, str] = {}
    for entry in history(state, project):
        gone, come = _named(entry.body, "previous"), _named(entry.body, "champion")
        if entry.body["action"] in BY_HAND and come is not None:
            reasons.pop(come.digest, None)
        if entry.body["action"] == "rollback" and gone is not None:
            reasons[gone.digest] = (
                f"version {gone.number} was rolled back on {entry.time:%Y-%m-%d} by {entry.body['by']} "
                f"({entry.body['why']}); promote it by hand if that is over"
            )
    return reasons
