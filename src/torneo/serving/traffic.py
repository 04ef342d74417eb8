"""Which versions take part beside the champion: the last entry of the append-only stream `traffic` says it.

A version that becomes champion leaves its role for good: what follows a promotion, a rollback of it too, finds the role
empty, and whoever wants the test again declares it again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b

from torneo import promotion
from torneo.errors import ConflictError, NotFoundError
from torneo.ports import Entry, ModelRegistry, StateStore
from torneo.promotion import Champion
from torneo.spec.frozen import Frozen
from torneo.spec.records import digest_of

STREAM = "traffic"


class Traffic(Frozen):
    """The versions beside the champion."""

    challenger: Champion | None = None
    """Answers for a share of the subjects."""
    share: float = 0.0
    shadow: Champion | None = None
    """Is scored and logged; its answers are not returned."""

    def without(self, digests: Collection[str]) -> Traffic:
        """The same, but for roles of versions with these digests, which are empty.

        >>> one = Champion(number=1, digest="a", bundle="small/a", challenger="line")
        >>> Traffic(challenger=one, share=0.1).without({"a"}) == Traffic()
        True
        """
        challenger, shadow = (
            None if version is None or version.digest in digests else version
            for version in (self.challenger, self.shadow)
        )
        return Traffic(challenger=challenger, share=self.share if challenger else 0.0, shadow=shadow)


class Change(Frozen):
    """What is to change; None leaves it as it is, and version 0 empties the role."""

    challenger: int | None = None
    share: float | None = None
    shadow: int | None = None


def traffic(state: StateStore, project: str) -> Traffic:
    """The present traffic."""
    entries = state.read(project, STREAM, last=1)
    if not entries:
        return Traffic()
    body = entries[-1].body
    declared = Traffic.model_validate(body["traffic"])
    if declared == Traffic():
        return declared
    return declared.without(promotion.reigns_since(state, project, body["decisions"]))


def traffic_history(state: StateStore, project: str) -> Sequence[Entry]:
    """All changes of the traffic, oldest first; the chain of digests is verified on the way."""
    return state.read(project, STREAM)


def change_traffic(
    state: StateStore, registry: ModelRegistry, project: str, change: Change, *, by: str, why: str, owner: str
) -> Traffic:
    """Change who takes part beside the champion; every server follows within seconds.

    Raises:
        NotFoundError: there is no champion yet, or no such version.
        ConflictError: a version is champion or has two roles, or the share does not fit.
    """
    with state.lock(promotion.guard(project), owner):
        champion = promotion.champion(state, project)
        if champion is None:
            raise NotFoundError(f"{project} has no champion yet", fix=f"torneo run {project}")
        present = traffic(state, project)
        challenger = _chosen(registry, project, change.challenger, present.challenger)
        shadow = _chosen(registry, project, change.shadow, present.shadow)
        _check_roles(project, champion, challenger, shadow)
        share = _share(project, change, present, challenger)
        new = Traffic(challenger=challenger, share=share, shadow=shadow)
        decisions, count = promotion.count(state, project), len(traffic_history(state, project))
        body = {"traffic": new.model_dump(mode="json"), "decisions": decisions, "by": by, "why": why}
        state.append(project, STREAM, digest_of([body, count])[:32], body)
        return new


def _chosen(registry: ModelRegistry, project: str, number: int | None, present: Champion | None) -> Champion | None:
    if number is None:
        return present
    return Champion.of(promotion.version(registry, project, number)) if number else None


def _check_roles(project: str, champion: Champion, challenger: Champion | None, shadow: Champion | None) -> None:
    for role, version in (("challenger", challenger), ("shadow", shadow)):
        if version is not None and version.digest == champion.digest:
            raise ConflictError(f"version {version.number} of {project} is champion: it cannot be {role} as well")
    if challenger is not None and shadow is not None and challenger.digest == shadow.digest:
        raise ConflictError(
            f"version {shadow.number} of {project} cannot be challenger and shadow at once",
            fix="a challenger's answers are in the log already: take --shadow none",
        )


def _share(project: str, change: Change, present: Traffic, challenger: Champion | None) -> float:
    if challenger is None:
        if change.share is not None:
            raise ConflictError(f"{project} has no challenger that a share could go to", fix="add --challenger VERSION")
        return 0.0
    kept = present.share if present.challenger == challenger else None
    share = kept if change.share is None else change.share
    if share is None:
        raise ConflictError("a challenger needs a share of the traffic", fix="add --share 10%")
    if not 0 < share < 1:
        raise ConflictError(
            f"a share of {share:g} is not between 0 and 1", fix="take --challenger none, or torneo promote VERSION"
        )
    return share


def share_of(subject: str, project: str) -> float:
    """Where a subject stands between 0 and 1: evenly spread, and always at the same place.

    >>> share_of("customer 7", "churn") == share_of("customer 7", "churn")
    True
    """
    return int.from_bytes(blake2b(f"{project}\0{subject}".encode(), digest_size=7).digest()) / 2**56
