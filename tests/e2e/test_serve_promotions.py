"""Promotions and ways back reach users, without an error and without a mixed answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import pytest

from e2e.serving import ROW, Home, Load, Server, serving
from torneo.api import Project
from torneo.runtime import Runtime, open_project
from torneo.spec.settings import Settings

CHANGES = 200
PROMISED = 5.0
"""Seconds within which every worker answers with the new champion."""


def project(home: Home) -> Project:
    """The project as another process of the same installation has it."""
    found = Settings(home=home.path, user="tester")
    spec, folder = open_project(found, str(home.project / "project.yaml"))
    return Project(spec, folder, Runtime(found))


def _version(server: Server) -> int:
    return int(server.ask(body=ROW).json["version"])


def _expected(home: Home, server: Server, changing: Project) -> Mapping[int, float]:
    """What each version predicts for the row, learned with nothing else going on."""
    found: dict[int, float] = {}
    for version in (2, 1):
        changing.promote(version, "to learn what it says")
        deadline = time.monotonic() + PROMISED
        while _version(server) != version:
            assert time.monotonic() < deadline, "a promotion does not arrive"
            time.sleep(0.02)
        found[version] = server.ask(body=ROW).json["prediction"]
    assert abs(found[1] - found[2]) > 1, "the versions agree: this test would show nothing"
    return found


def test_a_promotion_reaches_every_worker_within_five_seconds(home: Home) -> None:
    changing = project(home)
    with serving(home, "--workers", "2") as server:
        assert {_version(server) for _ in range(20)} == {1}
        changing.promote(2, "it is better")
        done = time.monotonic()
        while time.monotonic() - done < PROMISED - 1:
            time.sleep(0.1)
        assert {_version(server) for _ in range(60)} == {2}, "a worker answers with the old champion"
        changing.rollback("it is not")
        time.sleep(PROMISED - 1)
        assert {_version(server) for _ in range(60)} == {1}


@pytest.mark.slow
def test_two_hundred_promotions_and_rollbacks_under_load(home: Home) -> None:
    changing = project(home)
    with serving(home) as server:
        expected = _expected(home, server, changing)
        done = threading.Event()
        with Load(server.port, clients=3) as one, Load(server.port, clients=1, rows=20) as many:
            one.wait_for(10)
            for number in range(CHANGES // 2):
                changing.promote(2, f"promotion {number}")
                time.sleep(0.05 if number % 10 else 1.2)  # the server sees some of them alone, and some together
                changing.rollback(f"rollback {number}")
                time.sleep(0.05 if number % 10 else 1.2)
            done.set()
            one.wait_for(10)
        deadline = time.monotonic() + PROMISED
        while _version(server) != 1:
            assert time.monotonic() < deadline, "the last change does not arrive"
            time.sleep(0.05)
        server.stop()
    answers = one.acknowledged + many.acknowledged
    assert (set(one.statuses), set(many.statuses), one.cut, many.cut) == ({200}, {200}, 0, 0)
    mixed = [a for a in answers if abs(a["prediction"] - expected[a["version"]]) > 1e-3]
    assert mixed == [], "version and output of an answer disagree"
    assert {answer["version"] for answer in answers} == {1, 2}
    assert "Traceback" not in server.errors.read_text()
