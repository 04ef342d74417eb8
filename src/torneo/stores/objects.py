"""Files by key, in a folder. `open_objects` chooses the store by the location's scheme."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from torneo.errors import ConflictError, NotFoundError, UnavailableError
from torneo.ports import ObjectStore
from torneo.stores.keys import TEMPORARY, below, check_key
from torneo.stores.s3 import S3Objects


def open_objects(location: str | Path, cache: Path) -> ObjectStore:
    """The object store at `s3://bucket/prefix`, or in a folder; what is downloaded is kept in `cache`.

    Raises:
        MissingExtraError: S3 is asked for and the extra `s3` is not installed.
        ConflictError: the location has another scheme.
    """
    scheme, separator, _ = str(location).partition("://")
    if isinstance(location, Path) or not separator:
        return FolderObjects(Path(location))
    if scheme == "s3":
        return S3Objects(str(location), cache)
    raise ConflictError(f"there is no object store for {scheme}:// (there are: a folder, s3://)")


class FolderObjects:
    """Objects as files in a folder: an object is there whole or not at all, also after a power cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, source: Path | bytes) -> None:
        """Store a file's content, or bytes; an existing key is replaced."""
        target = self._target(key)
        with _translated(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
            try:
                _write(temporary, source)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
            _sync_folder(target.parent)

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        path = self.path(key)
        with _translated(path):
            return path.read_bytes()

    def path(self, key: str) -> Path:
        """The object's own file, which must not be written to."""
        path = self._target(key)
        if not path.is_file():
            raise NotFoundError(f"there is no object {key!r} in {self._folder}")
        return path

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        return self._target(key).is_file()

    def list(self, prefix: str) -> Sequence[str]:
        """All keys below a prefix, sorted."""
        folder = self._folder / below(prefix)
        with _translated(folder):
            found = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
            return sorted(
                path.relative_to(self._folder).as_posix() for path in found if not path.name.startswith(TEMPORARY)
            )

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        target = self._target(key)
        with _translated(target):
            target.unlink(missing_ok=True)

    def _target(self, key: str) -> Path:
        return self._folder / check_key(key)


def _write(path: Path, source: Path | bytes) -> None:
    with path.open("xb") as file:
        if isinstance(source, bytes):
            file.write(source)
        else:
            with source.open("rb") as original:
                shutil.copyfileobj(original, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {error.filename}") from error
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise ConflictError(f"{path} cannot be an object: {error.strerror} ({error.filename})") from error
    except OSError as error:
        fix = "check the rights of this user, and the space left on that disk"
        raise UnavailableError(f"{path} cannot be used: {error.strerror or error}", fix=fix) from error
