"""Files on this machine: CSV, Parquet and JSON lines; text may be compressed (gzip, Zstandard, bzip2, xz)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torneo.sources import _local, _uri
from torneo.sources._records import Extract
from torneo.spec.records import file_digest
from torneo.spec.source import Input


def path_of(input: Input, folders: Sequence[Path]) -> Path:  # noqa: A002
    """The file that an input names; a caller that caches digests does it by this path.

    Args:
        input: its URI is a path, or `file:` and a path.
        folders: where a relative path is looked up, in this order.

    Raises:
        SourceError: there is no such file; the message lists the places looked at.
    """
    path = _uri.resolve(input.uri)
    if _uri.scheme(path) == "file":
        path = path[len("file:") :]
        path = "/" + path.lstrip("/") if path.startswith("//") else path
    return _uri.locate(path, folders)


def fingerprint(input: Input, folders: Sequence[Path]) -> str:  # noqa: A002
    """The sha256 of the file.

    Raises:
        SourceError: there is no such file, or another one than `sha256` says.
    """
    path = path_of(input, folders)
    digest = file_digest(path)
    _local.check_pin(digest, input, path.name)
    return digest


def extract(input: Input, folders: Sequence[Path], target: Path) -> Extract:  # noqa: A002
    """Write the file's columns as they came, plus `__line__`.

    Raises:
        SourceError: the file cannot be found, or cannot be read in one way only.
        UnavailableError: the file changed while it was read.
    """
    path = path_of(input, folders)
    return _local.extract_file(path, input, path.name, target)
