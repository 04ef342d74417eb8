"""What was acknowledged is in the log, once, whatever happens to the server."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from disk import small_disk
from e2e.serving import ROW, Home, Load, Server, assert_logged_once, free_port, logged, serving

KILLS = 20
SEED = 20261121


def _wait_for_workers(server: Server, count: int, but: int) -> None:
    deadline = time.monotonic() + 60
    while len(server.workers) < count or but in server.workers:
        assert time.monotonic() < deadline, "a killed worker is not replaced"
        time.sleep(0.05)


@pytest.mark.slow
def test_workers_are_killed_twenty_times_under_load_and_replaced(home: Home) -> None:
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    with serving(home, "--workers", "2") as server:
        assert len(server.workers) == 2
        with Load(server.port) as load:
            load.wait_for(50)
            for _ in range(KILLS):
                time.sleep(chance.random() / 4)
                worker = chance.choice(server.workers)
                before = len(load.acknowledged)
                os.kill(worker, signal.SIGKILL)
                load.wait_for(20)
                assert len(load.acknowledged) > before, "the other worker does not go on"
                _wait_for_workers(server, 2, worker)
        server.stop()
    assert set(load.statuses) == {200}
    assert load.cut >= KILLS // 2, "no request was cut: the kills met nobody"
    assert_logged_once(home, load)


def test_a_killed_server_has_logged_what_it_acknowledged(home: Home) -> None:
    port, load = free_port(), None
    for _ in range(2):
        with serving(home, port=port) as server:
            load = Load(port)
            with load:
                load.wait_for(100)
                server.process.kill()
                server.process.wait()
                time.sleep(0.05)
            assert_logged_once(home, load)
    assert load is not None
    assert load.cut > 0


def test_workers_end_when_their_parent_was_killed(home: Home) -> None:
    with serving(home, "--workers", "2") as server:
        workers = server.workers
        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline, "workers live on without anybody to stop them"
            time.sleep(0.05)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_under_load_answers_what_is_in_flight_and_ends_well(home: Home, workers: str) -> None:
    with serving(home, "--workers", workers) as server, Load(server.port, clients=8) as load:
        load.wait_for(200)
        took = server.stop()
        load.stop()
    assert took < 10
    assert set(load.statuses) == {200}
    assert_logged_once(home, load)
    assert "Traceback" not in server.errors.read_text()


def test_a_long_request_in_flight_is_answered_before_the_server_ends(home: Home) -> None:
    with serving(home) as server:
        replies = []
        thread = threading.Thread(target=lambda: replies.append(server.ask(body=[ROW] * 10_000)))
        thread.start()
        time.sleep(0.1)
        server.stop()
        thread.join()
    assert [reply.status for reply in replies] == [200]
    assert len(replies[0].json["predictions"]) == 10_000
    found = logged(home)
    assert {found[line["prediction_id"]] for line in replies[0].json["predictions"]} == {1}


def test_a_full_disk_is_told_and_what_was_acknowledged_is_there_when_it_has_room_again(
    home: Home, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as (disk, grow):
        log = home.path / "predictions.db"
        log.unlink(missing_ok=True)
        log.symlink_to(disk / "predictions.db")
        with serving(home) as server, Load(server.port, rows=50) as load:
            deadline = time.monotonic() + 60
            while load.statuses[503] < 3:
                assert time.monotonic() < deadline, f"4 MiB are never full: {load.statuses}"
                time.sleep(0.01)
            reply = server.ask(body=ROW)
            if reply.status == 503:
                assert reply.headers["retry-after"] == "1"
                assert reply.headers["content-type"] == "application/problem+json"
                assert "predictions cannot be logged now" in reply.json["detail"]
            grow()
            load.wait_for(500)
            load.stop()
            server.wait(200)
            server.stop()
        assert set(load.statuses) == {200, 503}
        assert_logged_once(home, load)
        shutil.copy(disk / "predictions.db", tmp_path)
