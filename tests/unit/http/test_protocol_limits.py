"""A client that never comes to the end of a request is not kept, and others do not notice."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
import uvicorn

from torneo.http import protocol
from torneo.http.protocol import MOST_HEAD, OneWriteProtocol


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers the length of the body, after as many seconds as the path says."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await asyncio.sleep(float(scope["path"][1:] or 0))
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=OneWriteProtocol, lifespan="off", log_config=None, timeout_keep_alive=60)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=[[listening]], daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def lives(port: int, begin: bytes, more: bytes = b"", seconds: float = 3) -> float:
    """How long a connection lives on which that is sent, and then more, a little at a time."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection, suppress(ConnectionError):
        connection.settimeout(0.05)
        connection.sendall(begin)
        while time.monotonic() - started < seconds:
            with suppress(TimeoutError):
                if not connection.recv(1000):
                    break
            connection.sendall(more)
    return time.monotonic() - started


@pytest.mark.parametrize(("begin", "more"), [(b"", b""), (b"GET / HTTP/1.1\r\n", b"X: y\r\n"), (b"G", b"")])
def test_a_request_that_never_begins_ends(port: int, begin: bytes, more: bytes) -> None:
    assert lives(port, begin, more) < 2


def test_a_long_answer_is_waited_for(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/1.2")
        assert connection.getresponse().read() == b"0"


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_large_bodies_in_pieces_of_any_size_are_no_heads(port: int, piece: int) -> None:
    size = 20_000 if piece == 1 else 4 * MOST_HEAD
    pieces = [b"x" * min(piece, size - start) for start in range(0, size, piece)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        for _ in range(2):  # the second on the same connection
            connection.request("POST", "/", body, {"Transfer-Encoding": "chunked"}, encode_chunked=False)
            assert connection.getresponse().read() == str(size).encode()


@pytest.mark.parametrize(
    "flood",
    [
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * MOST_HEAD,
        b"GET / HTTP/1.1\r\nX: " + b"y" * 20 * MOST_HEAD,
        b"GET /" + b"y" * 20 * MOST_HEAD,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * MOST_HEAD,
    ],
)
def test_a_head_without_end_is_cut_off(port: int, flood: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(5)
        received = b""
        with suppress(ConnectionError):
            connection.sendall(flood)
        with suppress(ConnectionError):
            while data := connection.recv(1000):
                received += data
    assert received.split(b"\r\n")[0] in (b"", b"HTTP/1.1 431 Request Header Fields Too Large")


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
WEBSOCKET = b"connection: keep-alive, upgrade\r\nupgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"


def told(port: int, parts: list[bytes]) -> bytes:
    """What is answered to parts that are sent one after the other, until the server ends the connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05)
        while piece := connection.recv(100_000):
            answer += piece
    return answer


@pytest.mark.parametrize("asks", [H2C, WEBSOCKET])
@pytest.mark.parametrize("cut", [0, 1, 20, 150, 1000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_wish_for_another_protocol_is_ignored_and_the_body_is_not_lost(
    port: int, asks: bytes, cut: int, chunked: bool
) -> None:
    body = b'{"age":59}'
    length, sent = b"Content-Length: 10\r\n", body
    if chunked:
        length, sent = b"Transfer-Encoding: chunked\r\n", b"a\r\n" + body + b"\r\n0\r\n\r\n"
    request = b"POST / HTTP/1.1\r\nHost: a\r\n" + asks + length + b"\r\n"
    whole = (request + sent) * 2 + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    cut = cut if cut < 1000 else len(request)
    answer = told(port, [part for part in (whole[:cut], whole[cut:]) if part])
    assert [answer.count(b"\r\n\r\n%d" % size) for size in (10, 0)] == [2, 1], answer
    assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_very_many_wishes_in_one_packet_are_answered_too(port: int) -> None:
    request = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = told(port, [request * 2000 + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"])
    assert answer.count(b"HTTP/1.1 200 OK") == 2001
