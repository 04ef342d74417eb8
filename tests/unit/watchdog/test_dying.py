"""A process that dies at every single write, before it or after it, and another that goes on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import small
from torneo import promotion
from torneo.ports import Entry
from torneo.testing.small_log import FIRST
from torneo.watchdog.desk import Retrained
from watched import HOUR, Kennel, kennel

SHIFTED = small.table(600, seed=5, classes=False)[:400]
SHIFTED = SHIFTED.with_columns(a=SHIFTED["a"] + 2)
ONE = {"window": "1h", "persistence": {"bad": 1, "of": 1, "good": 1}}


class Dies(BaseException):
    """The process is killed."""


class Mortal:
    """A state store in whose process only so many writes come through; the last one may be on disk before it dies."""

    def __init__(self, state: Any, writes: int, *, written: bool) -> None:
        self._state, self._left, self._written = state, writes, written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        return self._write("append", project, stream, id, body)

    def put(self, project: str, name: str, body: Any) -> None:
        self._write("put", project, name, body)

    def _write(self, how: str, *arguments: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            if self._written:
                getattr(self._state, how)(*arguments)
            raise Dies
        return getattr(self._state, how)(*arguments)


def scene(folder: Path) -> Kennel:
    """Drift, bad outcomes and new data at once."""
    found = kennel(folder, content="new", **ONE)
    found.ask(SHIFTED, FIRST, error=2.0)
    found.now(FIRST + 2 * HOUR)
    return found


def story(found: Kennel) -> list[list[tuple[str, Any]]]:
    streams = ("windows", "alerts", "watch", "decisions")
    return [[(entry.id, entry.body) for entry in found.desk.state.read("small", name)] for name in streams]


@pytest.mark.parametrize("written", [False, True], ids=["before the write", "after the write"])
def test_dying_at_every_write_loses_and_doubles_nothing(tmp_path: Path, written: bool) -> None:
    whole = scene(tmp_path)
    whole.watch()
    expected, deaths = story(whole), 0
    for writes in itertools.count():
        found = scene(tmp_path)
        try:
            found.watch(state=Mortal(found.desk.state, writes, written=written))
        except Dies:
            deaths += 1
        else:
            break
        found.watch()
        assert story(found) == expected, f"killed at write {writes}"
        told = list(dict.fromkeys(message.id for message in found.told))
        assert told == [message.id for message in whole.told], "all is told, in order"
        assert len(found.told) <= len(whole.told) + 1, "at least once, and hardly more"
    assert deaths > 15


def test_dying_at_every_write_of_a_training_run_doubles_no_verdict(tmp_path: Path) -> None:
    """The training itself records its verdict once, however often it is begun."""

    def retraining(found: Kennel) -> Any:
        def retrain(why: str) -> Retrained:
            promotion.record(
                found.desk.state,
                found.desk.registry,
                "small",
                action="keep",
                new=None,
                by="judge",
                why=why,
                evidence="e",
            )
            return Retrained(verdict="keep", champion=1, unchanged=False, words="Keep.")

        return retrain

    for writes in range(40):
        found = scene(tmp_path)
        try:
            found.watch(state=Mortal(found.desk.state, writes, written=True), retrain=retraining(found))
        except Dies:
            found.watch(retrain=retraining(found))
        assert [entry.body["action"] for entry in found.desk.state.read("small", "decisions")] == ["promote", "keep"]
        requests = [entry.body["event"] for entry in found.desk.state.read("small", "watch")]
        assert requests.count("requested") == requests.count("ended") == 1
