"""Downloads from a server that the test starts on this machine."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from torneo.errors import SourceError, UnavailableError
from torneo.sources import fingerprint, read
from torneo.sources import http as source
from torneo.spec.source import Source

CSV = b"a,b\n1,x\n2,y\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """A server with a page for each thing that can go right or wrong."""

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))  # type: ignore[attr-defined]
        path = self.path.partition("?")[0]
        if path == "/moved.csv":
            return self._answer(302, b"", {"Location": "/a.csv"})
        if path == "/cut.csv":
            return self._answer(200, CSV, {"Content-Length": "999"})
        if path == "/private.csv" and self.headers.get("Authorization") is None:
            return self._answer(401, b"")
        if path == "/slow.csv":
            self.server.release.wait(10)  # type: ignore[attr-defined]
        pages = {
            "/a.csv": CSV,
            "/private.csv": CSV,
            "/ñ b.csv": CSV,
            "/a.csv.gz": gzip.compress(CSV),
            "/data": CSV,
            "/page.csv": b"<html>",
        }
        statuses = {"/busy.csv": 503, "/limited.csv": 429, "/gone.csv": 410}
        body = pages.get(unquote(path))
        return self._answer(statuses.get(path, 404) if body is None else 200, body or b"")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the test's output free of the server's."""


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.seen = []  # type: ignore[attr-defined]
        running.release = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.release.set()  # type: ignore[attr-defined]
        running.shutdown()
        thread.join()


def address(server: http.server.ThreadingHTTPServer, path: str, user: str = "") -> str:
    return f"http://{user}127.0.0.1:{server.server_address[1]}{path}"


def frame(uri: str, folder: Path, **options: object) -> pl.DataFrame:
    spec = Source.model_validate({"uri": uri, **options})
    reading = read(spec, [], folder / "t.parquet")
    assert reading.fingerprint == fingerprint(spec, [])
    assert [path.name for path in folder.iterdir()] == ["t.parquet"]
    return pl.read_parquet(folder / "t.parquet")


@pytest.mark.parametrize("path", ["/a.csv", "/a.csv.gz", "/a.csv?page=1", "/moved.csv", "/ñ b.csv", "/%C3%B1%20b.csv"])
def test_a_file_is_downloaded_and_read(server: http.server.ThreadingHTTPServer, tmp_path: Path, path: str) -> None:
    assert frame(address(server, path), tmp_path).rows() == [("1", "x", 2), ("2", "y", 3)]


def test_a_name_without_ending_needs_a_format(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    assert len(frame(address(server, "/data"), tmp_path, format="csv")) == 2
    with pytest.raises(SourceError, match="set `format`"):
        frame(address(server, "/data"), tmp_path)


def test_a_pin_is_proven_and_spares_the_download(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    digest = hashlib.sha256(CSV).hexdigest()
    assert fingerprint(Source(uri=address(server, "/a.csv"), sha256=digest), []) == digest
    assert server.seen == []  # type: ignore[attr-defined]
    with pytest.raises(SourceError, match=f"expected {'0' * 64}\n.*found    {digest}"):
        read(Source(uri=address(server, "/a.csv"), sha256="0" * 64), [], tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("/none.csv?token=abc", SourceError, r"none.csv\?token=\*\*\*: the server answered 404"),
        ("/gone.csv", SourceError, "answered 410"),
        ("/private.csv", SourceError, "answered 401"),
        ("/busy.csv", UnavailableError, "answered 503"),
        ("/limited.csv", UnavailableError, "answered 429"),
        ("/cut.csv", UnavailableError, "cut off after 12 of 999 bytes"),
        ("/page.csv", SourceError, "page.csv is a web page"),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(
    server: http.server.ThreadingHTTPServer, tmp_path: Path, path: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        read(Source(uri=address(server, path)), [], tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_is_given_up(
    server: http.server.ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "TIMEOUT", 0.2)
    with pytest.raises(UnavailableError, match="timed out"):
        read(Source(uri=address(server, "/slow.csv")), [], tmp_path / "t.parquet")


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="refused"):
        read(Source(uri="http://127.0.0.1:9/a.csv"), [], tmp_path / "t.parquet")


def test_a_password_is_sent_and_not_shown(
    server: http.server.ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_PASSWORD", "p@ss")
    uri = address(server, "/private.csv", "me:${DATA_PASSWORD}@")
    reading = read(Source(uri=uri), [], tmp_path / "t.parquet")
    assert reading.source == uri.replace("${DATA_PASSWORD}", "***")
    expected = "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert server.seen == [("/private.csv", expected)]  # type: ignore[attr-defined]
