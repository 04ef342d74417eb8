"""Objects in memory."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from torneo.errors import ConflictError, NotFoundError


class MemoryObjects:
    """An object store that lasts as long as the process; `path` writes a temporary file."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._folder: str | None = None

    def put(self, key: str, source: Path | bytes) -> None:
        """Store a file's content, or bytes."""
        if isinstance(source, Path) and not source.is_file():
            raise NotFoundError(f"there is no file {source}")
        self._objects[_checked(key)] = bytes(source) if isinstance(source, bytes) else source.read_bytes()

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        if _checked(key) not in self._objects:
            raise NotFoundError(f"there is no object {key!r} in memory")
        return self._objects[key]

    def path(self, key: str) -> Path:
        """A temporary file with the object's content, in a folder of its own."""
        content = self.get(key)
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="torneo-")
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = Path(tempfile.mkdtemp(dir=self._folder)) / key.rpartition("/")[2]
        path.write_bytes(content)
        return path

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        return _checked(key) in self._objects

    def list(self, prefix: str) -> Sequence[str]:
        """All keys below a prefix, sorted."""
        start = f"{_checked(prefix.rstrip('/'))}/" if prefix else ""
        return sorted(key for key in self._objects if key.startswith(start))

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        self._objects.pop(_checked(key), None)


def _checked(key: str) -> str:
    if any(part in ("", ".", "..") or set(part) & set("\\\0\n") for part in key.split("/")):
        raise ConflictError(f"{key[:300]!r} cannot be an object's key")
    return key
