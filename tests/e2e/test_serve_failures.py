"""What is down or damaged does not stop the server, and clients that misbehave do not either."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from e2e.command import torneo
from e2e.serving import ROW, Home, Reply, Server, logged, serving


def _eventually(holds: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def _parts(server: Server, **headers: str) -> Any:
    return server.get("/readyz?verbose=1", **headers).json["parts"]


def test_without_its_stores_the_last_champion_serves_and_a_restarted_server_too(home: Home, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    with serving(home) as server:
        before = server.ask(body=ROW).json["prediction"]
        for name in ("state.db", "state.db-wal", "state.db-shm", "objects", "mlflow.db", "mlartifacts"):
            if (home.path / name).exists():
                (home.path / name).rename(away / name)
        _eventually(lambda: _parts(server)["projects"]["diabetes"]["trouble"])
        reply = server.ask(body=ROW)
        assert (reply.status, reply.json["prediction"]) == (200, before)
        server.stop()
    (home.path / "state.db").unlink(missing_ok=True)
    (home.path / "state.db").mkdir()  # nothing can be opened or made there
    with serving(home) as server:
        reply = server.ask(body=ROW)
        assert (reply.status, reply.json["prediction"]) == (200, before)
        trouble = _parts(server)["projects"]["diabetes"]["trouble"]
        assert "state.db" in trouble
        (home.path / "state.db").rmdir()
        for path in away.iterdir():
            path.rename(home.path / path.name)
        _eventually(lambda: _parts(server)["projects"]["diabetes"]["trouble"] is None)
        server.stop()


def test_where_the_keys_cannot_be_read_nobody_is_let_in_until_they_can(home: Home, tmp_path: Path) -> None:
    key = torneo("keys", "create", "shop", "--scope", "predict", home=home.path).out.strip()
    with serving(home, TORNEO_SERVE__AUTH="on") as server:
        assert server.ask(body=ROW, X_API_Key=key).status == 200
        server.stop()
    (home.path / "state.db").rename(tmp_path / "state.db")
    (home.path / "state.db").mkdir()
    with serving(home, TORNEO_SERVE__AUTH="on") as server:
        reply = server.ask(body=ROW, X_API_Key=key)
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert reply.json["detail"] == "the keys cannot be read now"
        (home.path / "state.db").rmdir()
        (tmp_path / "state.db").rename(home.path / "state.db")
        _eventually(lambda: server.ask(body=ROW, X_API_Key=key).status == 200)
        server.stop()


def test_keys_are_needed_have_scopes_and_end_without_a_restart(home: Home) -> None:
    def create(*arguments: str) -> str:
        return torneo("keys", "create", *arguments, home=home.path).out.strip()

    predicts, reads = create("shop", "--scope", "predict"), create("page", "--scope", "read")
    with serving(home, TORNEO_SERVE__AUTH="on") as server:
        reply = server.ask(body=ROW)
        assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert server.ask(body=ROW, X_API_Key=f"{predicts[:-1]}x").status == 401
        assert server.ask(body=ROW, X_API_Key=reads).status == 403
        assert server.ask(body=ROW, X_API_Key=predicts).status == 200
        assert server.ask(body=ROW, Authorization=f"Bearer {predicts}").status == 200
        torneo("keys", "revoke", predicts.split("_")[1], "--why", "it leaked", home=home.path)
        _eventually(lambda: server.ask(body=ROW, X_API_Key=predicts).status == 401, 5)
        assert "torneo_" not in server.errors.read_text(), "a key is in the server's log"
        server.stop()


def test_a_bundle_damaged_in_the_store_is_refused_and_the_old_version_stays(home: Home) -> None:
    with serving(home) as server:
        before = server.ask(body=ROW).json
        assert before["version"] == 1
        serving_now = {path.name for path in (home.path / "serving").iterdir()}
        for path in (home.path / "objects").rglob("model.onnx"):
            path.chmod(0o644)
            path.write_bytes(b"\x00" + path.read_bytes()[1:])
        torneo("promote", str(home.project), "2", "--why", "it is better", home=home.path)
        _eventually(lambda: _parts(server)["projects"]["diabetes"]["trouble"])
        reply = server.ask(body=ROW).json
        assert (reply["version"], reply["prediction"]) == (1, before["prediction"])
        assert {path.name for path in (home.path / "serving").iterdir()} == serving_now
        server.stop()


def test_an_idempotency_key_is_answered_once_by_all_workers(home: Home) -> None:
    with serving(home, "--workers", "2") as server:
        ready = threading.Barrier(8)

        def ask(number: int) -> Reply:
            ready.wait()
            return server.ask(body=ROW, Idempotency_Key=f"order {number % 2}", X_Request_ID="of-a-retry")

        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(ask, range(8)))
        assert {reply.status for reply in replies} == {200}
        for order in range(2):
            assert len({reply.body for reply in replies[order::2]}) == 1, "one key has several answers"
        again = server.ask(body=ROW, Idempotency_Key="order 0")
        assert again.body == replies[0].body
        other = server.ask(body={**ROW, "age": 30}, Idempotency_Key="order 0")
        assert (other.status, "another body" in other.json["detail"]) == (422, True)
        for wrong in ("", "x" * 256):
            assert server.ask(body=ROW, Idempotency_Key=wrong).status == 400
        server.stop()
    assert sorted(logged(home)) == sorted({reply.json["prediction_id"] for reply in replies})


def test_an_id_of_the_clients_choice_cannot_make_the_log_forget_others(home: Home) -> None:
    with serving(home) as server:
        assert server.ask(body=ROW, Idempotency_Key="taken").status == 200
        ids: list[str] = []

        def replay() -> None:
            server.ask(body=ROW, Idempotency_Key="taken", X_Request_ID="mine")

        def plain() -> None:
            reply = server.ask(body=ROW, X_Request_ID="mine")
            assert reply.json["request_id"] == "mine"
            ids.append(reply.json["prediction_id"])

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda work: work(), [replay, plain] * 40))
        server.stop()
    found = logged(home)
    assert {found[id_] for id_ in ids} == {1}


REFUSED = {
    b"": 400,
    b"{": 400,
    b"\xff\xfe": 400,
    b"1": 422,
    b"[]": 422,
    b"[1]": 422,
    b'{"age": NaN}': 400,
    b"[" * 60_000: 400,
    b"[" * 90_000: 413,
    b'{"age": ' + b"9" * 90_000 + b"}": 400,
    b'{"x": 1}': 422,
    b'{"age": 1e999}': 422,
}
HEAD = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def _raw(server: Server, *parts: bytes, pause: float = 0.0, seconds: float = 10) -> bytes:
    """Send parts and read until the server closes, or says nothing for a while."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        received = b""
        with suppress(TimeoutError, ConnectionError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
        connection.settimeout(1.5)
        with suppress(TimeoutError, ConnectionError):
            while data := connection.recv(65536):
                received += data
        return received


def _memory(server: Server) -> int:
    """KiB that the server has in memory."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def test_bodies_of_all_kinds_are_answered_or_refused(home: Home) -> None:
    good = json.dumps(ROW).encode()
    with serving(
        home, TORNEO_SERVE__MAX_BODY="100000", TORNEO_SERVE__TIMEOUT="1", TORNEO_SERVE__MAX_ROWS="50"
    ) as server:
        length = f"Content-Length: {len(good)}\r\n\r\n".encode()
        two = _raw(server, (HEAD.encode() + length + good) * 2)
        assert two.count(b"HTTP/1.1 200 OK") == 2, "pipelined requests"
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(good[i : i + 7]), good[i : i + 7]) for i in range(0, len(good), 7))
        chunked = HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
        assert b"HTTP/1.1 200 OK" in _raw(server, chunked, pieces, b"0\r\n\r\n")
        started = time.monotonic()
        slow = _raw(server, HEAD.encode() + length, *([b" "] * 30), pause=0.1)
        assert b"HTTP/1.1 408 " in slow
        assert time.monotonic() - started < 8, "a client that trickles is kept"
        large = _raw(server, chunked, *([b"4000\r\n" + b" " * 0x4000 + b"\r\n"] * 20))
        assert b"HTTP/1.1 413 " in large
        assert server.ask(body=b" " * 200_000).status == 413
        assert server.ask(body=[ROW] * 51).status == 413
        assert b"HTTP/1.1 413 " in _raw(server, HEAD.encode() + b"Content-Length: 999999999999999999\r\n\r\n")
        assert b"HTTP/1.1 400 " in _raw(server, HEAD.encode() + b"Content-Length: 99999999999999999999\r\n\r\n")
        before = len(logged(home))
        _raw(server, HEAD.encode() + b"Content-Length: 9999\r\n\r\n" + good, seconds=0.5)
        for content, status in REFUSED.items():
            assert server.ask(body=content).status == status, content[:30]
        assert server.ask(body=good, **{"Content-Type": "text/plain"}).status == 415
        assert len(logged(home)) == before, "what was refused is in the log"
        assert server.ask(body=ROW).status == 200
        assert "Traceback" not in server.errors.read_text()
        server.stop()


def test_floods_of_headers_and_connections_do_not_fill_the_memory(home: Home) -> None:
    with serving(home) as server:
        assert server.ask(body=ROW).status == 200
        before = _memory(server)
        statuses: Counter[bytes] = Counter()
        flood = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 1000) for number in range(1000))
        for _ in range(3):
            statuses[_raw(server, HEAD.encode(), *([flood] * 60), seconds=5)[:12]] += 1
            statuses[_raw(server, HEAD.encode() + b"X: ", *([b"y" * 2**20] * 60), seconds=5)[:12]] += 1
            chunked = HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
            statuses[_raw(server, chunked, *([flood] * 60), seconds=5)[:12]] += 1
        idle = []
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.sendall(HEAD.encode())
            idle.append(connection)
        assert server.ask(body=ROW).status == 200
        for connection in idle:
            connection.close()
        grown = _memory(server) - before
        assert grown < 60_000, f"{grown} KiB more, {statuses}"
        assert statuses[b"HTTP/1.1 431"] > 0
        assert not any(status.startswith((b"HTTP/1.1 5", b"HTTP/1.1 2")) for status in statuses)
        server.stop()
