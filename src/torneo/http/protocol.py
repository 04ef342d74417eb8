"""HTTP/1.1 over uvicorn's parser, with one system call per response and an end to what a client may send.

uvicorn writes a response's head and body one after the other, and uvloop sends each at once: two packets, for which the
client wakes up twice. And it keeps headers as long as they come, and a connection on which none ever comes to its end.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = b"HTTP/1."
"""What a head begins with."""
MOST_HEAD = 64 * 1024
"""Bytes of a request that are not its body."""
FRAME = 16
"""Bytes that a chunk of a body may have around it."""
HEAD_SECONDS = 30.0
"""A connection on which no request began in so long is ended within twice the time."""
REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol on a transport that gathers writes."""

    _beside = 0
    """Bytes of the present request that are not its body."""
    _begun = 0
    """Requests whose head has come."""

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
        super().data_received(data)
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
