"""Back to the champion before, on evidence, and only then."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import small
from torneo import promotion
from torneo.errors import ConflictError, NotFoundError, UnavailableError
from torneo.ports import ModelRegistry, TrackedRun
from torneo.testing import MemoryRegistry
from torneo.testing.small_log import FIRST
from watched import HOUR, Kennel, kennel, trained

USUAL = small.table(900, seed=6, classes=False)[:400]


@pytest.fixture
def fresh(tmp_path: Path) -> Kennel:
    """Version 2 has taken version 1's place an hour ago; both are the same bundle, but for what it is called."""
    found = kennel(tmp_path, window="1h", performance={"min_outcomes": 50})
    registry = MemoryRegistry(found.clock)
    [first] = trained().registry.versions("small")
    for number, digest in ((1, first.digest), (2, "d" * 64)):
        bundle = tmp_path / str(number)
        bundle.mkdir()
        run_id = registry.track(_run(number), None)
        version = registry.register("small", bundle, key=first.bundle, digest=digest, challenger="line", run_id=run_id)
        assert version.number == number
    found.desk = dataclasses.replace(found.desk, registry=registry)
    judged(found, registry, 2)
    opening, real = found.models._open, promotion.Champion.of(first)
    found.models._open = lambda version: opening(real)
    return found


def _run(number: int) -> TrackedRun:
    about: dict[str, Any] = {"params": {}, "metrics": {}, "series": {}, "tags": {}, "dataset_digest": "d"}
    return TrackedRun(project="small", name="line", key=str(number), **about)


def judged(found: Kennel, registry: ModelRegistry, number: int, by: str = "judge") -> None:
    new = promotion.version(registry, "small", number)
    promotion.record(
        found.desk.state,
        registry,
        "small",
        action="promote",
        new=new,
        by=by,
        why="better",
        evidence=f"{by} {number}",
    )


def rescored(found: Kennel, off: float) -> Any:
    """How the version before answers: so far from what happened."""

    def rescore(version: promotion.Champion, rows: Any) -> Any:
        truth = np.array([line.outcome for line in reversed(found.log.page("small", _labelled(), limit=1000))])
        return truth + np.where(np.arange(len(truth)) % 2, off, -off) + np.linspace(0, 0.1, len(truth))

    return rescore


def _labelled() -> Any:
    from torneo.ports import LogFilter

    return LogFilter(labelled=True)


def serve(found: Kennel, rows: int, *, error: float = 1.0, hour: int = 0) -> None:
    found.ask(USUAL[:rows], FIRST + hour * HOUR, error=error)
    found.now(FIRST + (hour + 1) * HOUR + HOUR / 60)


def champion(found: Kennel) -> int:
    present = promotion.champion(found.desk.state, "small")
    assert present is not None
    return present.number


def actions(found: Kennel) -> list[str]:
    return [entry.body["event"] for entry in found.desk.state.read("small", "watch")]


def test_a_champion_that_is_worse_goes(fresh: Kennel) -> None:
    serve(fresh, 100)
    [done] = fresh.watch(rescore=rescored(fresh, 0.2)).done
    assert done.startswith("rolled back: version 1 is champion in place of 2: by 100 outcomes version 2 has rmse 1 and")
    assert champion(fresh) == 1
    last = promotion.history(fresh.desk.state, "small")[-1].body
    assert (last["action"], last["by"]) == ("rollback", "watchdog")
    assert "rolled_back" in [message.event for message in fresh.told]
    assert len(fresh.watch(rescore=rescored(fresh, 0.2)).done) == 0


def test_one_that_is_as_good_stays_and_is_looked_at_when_outcomes_have_doubled(fresh: Kennel) -> None:
    for hour, (rows, looks) in enumerate([(60, 1), (20, 1), (30, 2), (100, 3)]):
        serve(fresh, rows, hour=hour)
        assert fresh.watch(rescore=rescored(fresh, 1.0)).done == ()
        assert actions(fresh).count("looked") == looks
    assert champion(fresh) == 2


def test_few_outcomes_prove_nothing(fresh: Kennel) -> None:
    serve(fresh, 40)
    fresh.watch(rescore=rescored(fresh, 0.01))
    assert (champion(fresh), actions(fresh)) == (2, [])


def test_what_a_person_decided_stands(fresh: Kennel) -> None:
    judged(fresh, fresh.desk.registry, 1, by="ada")
    judged(fresh, fresh.desk.registry, 2, by="ada")
    serve(fresh, 100)
    fresh.watch(rescore=rescored(fresh, 0.01))
    assert champion(fresh) == 2


def test_it_can_be_turned_off(fresh: Kennel) -> None:
    watch = fresh.desk.watch.model_copy(update={"rollback": False})
    serve(fresh, 100)
    fresh.watch(rescore=rescored(fresh, 0.01), project=fresh.desk.project.model_copy(update={"watch": watch}))
    assert champion(fresh) == 2


def test_rows_that_the_version_before_cannot_read_prove_nothing(fresh: Kennel) -> None:
    def hidden(version: promotion.Champion, rows: Any) -> Any:
        raise ConflictError("version 1 reads name, which the log has as hashes only")

    serve(fresh, 100)
    fresh.watch(rescore=hidden)
    [looked] = fresh.desk.state.read("small", "watch")
    assert (looked.body["worse"], looked.body["why"]) == (
        False,
        "version 2 was not compared with version 1: version 1 reads name, which the log has as hashes only",
    )


def test_a_bundle_that_is_gone_stops_no_pass(fresh: Kennel) -> None:
    def gone(version: promotion.Champion, rows: Any) -> Any:
        raise NotFoundError("there is no bundle small/bundles/60e5")

    serve(fresh, 100)
    assert fresh.watch(rescore=gone).done == ()
    [looked] = fresh.desk.state.read("small", "watch")
    assert looked.body["why"] == ("version 2 was not compared with version 1: there is no bundle small/bundles/60e5")


def test_an_object_store_that_is_down_is_waited_for(fresh: Kennel) -> None:
    def down(version: promotion.Champion, rows: Any) -> Any:
        raise UnavailableError("the object store does not answer")

    serve(fresh, 100)
    with pytest.raises(UnavailableError, match="the object store does not answer"):
        fresh.watch(rescore=down)
    assert actions(fresh) == []


def test_dying_between_the_evidence_and_the_rollback_rolls_back_once(
    fresh: Kennel, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(fresh, 100)
    real = promotion.rollback
    monkeypatch.setattr(promotion, "rollback", _dies)
    with pytest.raises(KeyboardInterrupt):
        fresh.watch(rescore=rescored(fresh, 0.2))
    monkeypatch.setattr(promotion, "rollback", lambda *args, **more: _dies(real(*args, **more)))
    with pytest.raises(KeyboardInterrupt):
        fresh.watch(rescore=rescored(fresh, 0.2))
    monkeypatch.setattr(promotion, "rollback", real)
    assert len(fresh.watch().done) == 1
    assert [entry.body["action"] for entry in promotion.history(fresh.desk.state, "small")][-2:] == [
        "promote",
        "rollback",
    ]
    assert actions(fresh) == ["looked", "requested", "ended"]


def _dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_registry_that_is_down_is_waited_for(fresh: Kennel, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise UnavailableError("MLflow does not answer")

    serve(fresh, 100)
    with monkeypatch.context() as patched:
        patched.setattr(promotion, "rollback", down)
        assert fresh.watch(rescore=rescored(fresh, 0.2)).done == ()
    assert len(fresh.watch().done) == 1
    assert champion(fresh) == 1
