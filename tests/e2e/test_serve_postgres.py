"""Serving with its state and its log in PostgreSQL."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from e2e.command import torneo
from e2e.serving import ROW, Home, Load, serving, train
from postgres import PASSWORD, running_server

pytestmark = pytest.mark.slow

RESTARTS = 3


def test_postgresql_falls_under_load_and_comes_back(tmp_path: Path) -> None:
    import psycopg

    with running_server() as database:
        there = {"TORNEO_STATE": database.new_database("torneo")}
        made = train(tmp_path / "made", **there)
        home = Home(made.project, made.path)
        with serving(home, "--workers", "2", **there) as server, Load(server.port) as load:
            load.wait_for(100)
            for _ in range(RESTARTS):
                before = load.statuses[503]
                database.stop()
                deadline = time.monotonic() + 30
                while load.statuses[503] == before:
                    assert time.monotonic() < deadline, f"nobody is told that the log is down: {load.statuses}"
                    time.sleep(0.02)
                reply = server.ask(body=ROW)
                assert (reply.status, reply.headers["retry-after"]) == (503, "1")
                assert PASSWORD not in reply.body.decode()
                assert server.get("/livez").status == 200
                database.start()
                load.wait_for(50)
            load.stop()
            server.wait(200)
            server.stop()
        with psycopg.connect(there["TORNEO_STATE"]) as connection:
            found = Counter(str(line[0]) for line in connection.execute("SELECT id FROM predictions").fetchall())
    assert set(load.statuses) == {200, 503}
    assert load.cut == 0, "a connection was cut because the log was down"
    assert [id_ for id_ in load.ids if found[id_] != 1] == []


def test_a_server_starts_while_postgresql_is_down(tmp_path: Path) -> None:
    with running_server("fsync=off") as database:
        there = {"TORNEO_STATE": database.new_database("torneo")}
        home = train(tmp_path / "made", **there)
        with serving(home, **there) as server:
            before = server.ask(body=ROW).json["prediction"]
            server.stop()
        database.stop()
        with serving(home, **there) as server:
            assert server.ask(body=ROW).status == 503, "an answer that cannot be logged was given"
            trouble = server.get("/readyz?verbose=1").json["parts"]["projects"]["diabetes"]
            assert trouble["version"] == 1
            assert "127.0.0.1" in trouble["trouble"]
            database.start()
            deadline = time.monotonic() + 30
            while (reply := server.ask(body=ROW)).status != 200:
                assert time.monotonic() < deadline, reply
                time.sleep(0.1)
            assert reply.json["prediction"] == before
            assert torneo("status", str(home.project), "--json", home=home.path, **there).json["champion"]
            server.stop()
