"""Files behind `http://` and `https://`.

The digest of the content needs the content: a server's ETag is often made of the file's date and size, and proves
nothing. So `fingerprint` downloads the file, unless the project pins its `sha256`: then the pin is the fingerprint,
nothing is asked of the server, and `extract` proves it.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from torneo.errors import SourceError, UnavailableError
from torneo.sources import _local, _uri
from torneo.sources._records import Extract
from torneo.spec.records import file_digest
from torneo.spec.source import Input

TIMEOUT = 60.0
"""Seconds without an answer or a byte after which the server counts as unavailable."""
_BLOCK = 1 << 20
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""The statuses that may pass (RFC 9110)."""


def fingerprint(input: Input, folders: Sequence[Path]) -> str:  # noqa: ARG001, A002
    """The sha256 of the file: the pinned one, or that of a download.

    Raises:
        SourceError: the server refuses.
        UnavailableError: the server does not answer; the same call may succeed later.
    """
    if input.sha256 is not None:
        return input.sha256
    with downloaded(input.uri) as path:
        return file_digest(path)


def extract(input: Input, folders: Sequence[Path], target: Path) -> Extract:  # noqa: ARG001, A002
    """Download the file and write its columns as they came, plus `__line__`.

    Raises:
        SourceError: the server refuses, or the file is another one than pinned or cannot be read.
        UnavailableError: the server does not answer; the same call may succeed later.
    """
    with downloaded(input.uri, beside=target) as path:
        return _local.extract_file(path, input, _uri.file_name(input.uri) or "download", target)


@contextmanager
def downloaded(uri: str, beside: Path | None = None) -> Iterator[Path]:
    """A temporary file with what a URI gives, complete."""
    with tempfile.TemporaryDirectory(dir=beside.parent if beside else None, prefix="download-") as folder:
        path = Path(folder) / "content"
        try:
            _download(uri, path)
        except urllib.error.HTTPError as error:
            with error:
                kind = UnavailableError if error.code in _LATER else SourceError
                raise kind(f"{_uri.display(uri)}: the server answered {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _failure(uri, error) from None
        yield path


def _failure(uri: str, error: Exception) -> SourceError | UnavailableError:
    reason = getattr(error, "reason", None) or error
    message = f"{_uri.display(uri)}: {_uri.redact(reason, uri) or type(error).__name__}"
    if isinstance(reason, ssl.SSLCertVerificationError | ValueError | http.client.InvalidURL):
        return SourceError(message, fix="look at the address and the server's certificate")
    return UnavailableError(message)


def _download(uri: str, path: Path) -> None:
    size = 0
    request = _request(_uri.resolve(uri))
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, path.open("wb") as file:  # noqa: S310 - http(s)
        expected = answer.headers.get("Content-Length")
        while block := answer.read(_BLOCK):
            size += file.write(block)
    if expected is not None and size != int(expected):
        raise UnavailableError(f"{_uri.display(uri)}: the answer was cut off after {size} of {expected} bytes")


def _request(url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~")
    request = urllib.request.Request(urlunsplit((parts.scheme, host, path, parts.query, "")))  # noqa: S310 - http(s)
    request.add_header("User-Agent", "torneo")
    if user:
        name, _, password = user.partition(":")
        token = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")  # not for the host of a redirect
    return request
