"""HTTP/1.1 over uvicorn's parser, with one system call per response and an end to what a client may send.

uvicorn writes a response's head and body one after the other, and uvloop sends each at once: two packets, for which the
client wakes up twice. And it keeps headers as long as they come, and a connection on which none ever comes to its end.
And its parser stops at `Upgrade`, which clients send who would rather speak HTTP/2; they are answered by HTTP/1.1 as if
they had not asked (RFC 9110, section 7.8).
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = b"HTTP/1."
"""What a head begins with."""
MOST_HEAD = 64 * 1024
"""Bytes of a request that are not its body."""
FRAME = 16
"""Bytes that a chunk of a body may have around it."""
HEAD_SECONDS = 30.0
"""A connection on which no request began in so long is ended within twice the time."""
UPGRADING = (b"upgrade", b"http2-settings")
"""Headers, and options of a connection, that ask for another protocol."""
REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def _plain_head(method: bytes, url: bytes, version: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The head of a request without what asks for another protocol."""
    lines = [b"%s %s HTTP/%s" % (method, url, version)]
    for name, value in headers:
        if name == b"connection":
            options = [each.strip() for each in value.split(b",") if each.strip().lower() not in UPGRADING]
            lines += [b"connection: " + b", ".join(options)] if options else []
        elif name not in UPGRADING:
            lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol on a transport that gathers writes."""

    _beside = 0
    """Bytes of the present request that are not its body."""
    _begun = 0
    """Requests whose head has come."""
    _fed = b""
    """What the parser has now."""
    _left = b""
    """What it is to have next."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(cast("asyncio.Transport", _Gathering(transport, self.loop)))
        self._look = self.loop.call_later(HEAD_SECONDS, self._end_if_nothing_begins, -1)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._beside += len(data)
        self._left = data
        while self._left:
            self._fed, self._left = self._left, b""
            super().data_received(self._fed)
        if self._beside > MOST_HEAD and not self.transport.is_closing():
            if self._rests:
                self.transport.write(REFUSAL)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """A request begins."""
        self._begun += 1
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body has come."""
        self._beside -= len(body) + FRAME
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has come whole."""
        self._beside = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Go on with a request that asks for another protocol, from its head's end on, as one that does not."""
        ended = sys.exception()
        assert ended is not None  # noqa: S101 - uvicorn calls this where it has caught the parser's
        rest = self._fed[ended.args[0] :]
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self._beside = len(rest)
        self._left = _plain_head(method, self.url, version, self.headers) + rest

    def _should_upgrade(self) -> bool:
        """Whether a request goes the way of `handle_websocket_upgrade`; CONNECT has no headers to leave out."""
        return bool(self.parser.get_method() != b"CONNECT")

    @property
    def _rests(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _end_if_nothing_begins(self, before: int) -> None:
        """End the connection if no request has begun since `before` of them had, and none is being answered."""
        if self._begun == before and self._rests:
            self.transport.close()
            return
        self._look = self.loop.call_later(HEAD_SECONDS, self._end_if_nothing_begins, self._begun)


class _Gathering:
    """A transport that keeps a response's head until its body comes, or the turn of the event loop ends."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(HEAD):
            self._head = data
            self._call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
