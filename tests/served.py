"""A small project in two versions, served on stores in memory."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import small
from torneo.errors import UnavailableError
from torneo.orchestration import local
from torneo.ports import Claim, Entry, Prediction
from torneo.promotion import STREAM, Champion
from torneo.serving.endpoint import Call, Endpoint
from torneo.serving.follow import Follower
from torneo.serving.privacy import Privacy
from torneo.serving.traffic import STREAM as TRAFFIC
from torneo.serving.traffic import Traffic
from torneo.spec.project import Project
from torneo.testing import FixedClock, MemoryObjects, MemoryPredictionLog, MemoryState

ROW: Mapping[str, Any] = {"id": 7, "day": "2026-01-05", "shop": 3, "a": 0.5, "b": -0.25, "colour": "red"}
CHALLENGERS = {"line": {"model": "linear"}, "naive": {"model": "gaussian_nb"}}


def declared(**parts: Any) -> Project:
    """The project; `parts` replace its own."""
    columns = {
        "id": {"type": "int", "pii": "hash"},
        "day": {"type": "date", "min": datetime.date(1970, 1, 1), "pii": "drop"},
        "shop": {"type": "int"},
        "a": {"type": "float", "nullable": True, "min": -9, "max": 9},
        "b": {"type": "float", "pii": "hash", "max": 9},
        "colour": {"type": "category", "values": ["red", "green"]},
        "y": {"type": "category", "values": [0, 1]},
    }
    contract = {"columns": columns, "key": ["id"]}
    return small.project(**{"contract": contract, "challengers": CHALLENGERS, **parts})


@dataclass(frozen=True)
class Trained:
    """What training left: bundles, and the versions in order."""

    objects: MemoryObjects
    versions: Sequence[Champion]

    def copy(self) -> MemoryObjects:
        """The objects, for a test that alters them."""
        made = MemoryObjects()
        for key in self.objects.list(""):
            made.put(key, self.objects.get(key))
        return made


def train(folder: Path) -> Trained:
    """Run the project once."""
    small.table(200).write_csv(folder / "data.csv")
    context = small.context(declared(), folder)
    local.run(context, "ada@test", lambda _: None)
    found = sorted(context.registry.versions("small"), key=lambda version: version.number)
    assert len(found) == 2, found
    assert isinstance(context.objects, MemoryObjects)
    return Trained(context.objects, [Champion.of(version) for version in found])


class FailingState(MemoryState):
    """State that can be down."""

    def __init__(self) -> None:
        super().__init__(FixedClock())
        self.down = False

    def read(self, project: str, stream: str, *, last: int | None = None) -> Sequence[Entry]:
        """As in memory, where it answers."""
        if self.down:
            raise UnavailableError("the state store does not answer")
        return super().read(project, stream, last=last)

    def promote(self, champion: Champion) -> None:
        """Write a decision."""
        body = {"action": "promote", "champion": champion.model_dump(mode="json"), "previous": None}
        self.append("small", STREAM, str(len(self.read("small", STREAM))), body)

    def send(self, traffic: Traffic, champion: Champion) -> None:
        """Write a change of the traffic beside a champion."""
        body = {"traffic": traffic.model_dump(mode="json"), "decisions": len(self.read("small", STREAM))}
        self.append("small", TRAFFIC, str(len(self.read("small", TRAFFIC))), body)


class FailingLog(MemoryPredictionLog):
    """A log that can be down; `calls` are the lines of each attempt."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.calls: list[Sequence[Prediction]] = []

    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        """As in memory, where it answers."""
        self.calls.append(predictions)
        if self.failure is not None:
            raise self.failure
        return super().append(predictions, claims)

    def claim(self, project: str, key: str, name: str) -> Claim | None:
        """As in memory, where it answers."""
        if self.failure is not None:
            raise self.failure
        return super().claim(project, key, name)


@dataclass
class Served:
    """An endpoint that follows a state store."""

    endpoint: Endpoint
    state: FailingState
    objects: MemoryObjects
    follower: Follower


def serve(trained: Trained, folder: Path, *, objects: MemoryObjects | None = None, **parts: Any) -> Served:
    """Serve the first version."""
    project = declared(**parts)
    endpoint = Endpoint(project, Privacy.of("small", project.contract, b"secret"))
    state = FailingState()
    state.promote(trained.versions[0])
    objects = objects or trained.objects
    follower = Follower([endpoint], state, objects, folder)
    follower.look()
    return Served(endpoint, state, objects, follower)


def call(request: str = "request-1", **parts: Any) -> Call:
    """Who asks."""
    return Call(request, "", 0, **parts)
