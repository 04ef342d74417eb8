"""Objects in S3, or any server that speaks it. It needs the extra `s3`.

Endpoint, region and credentials are read by the S3 library from `AWS_*` and the files in `~/.aws`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torneo.errors import ConflictError, MissingExtraError, NotFoundError, UnavailableError
from torneo.stores.keys import below, check_key


class S3Objects:
    """Objects below `s3://bucket/prefix`; `path` downloads each content once into `cache`.

    Raises:
        MissingExtraError: s3fs is not installed.
    """

    def __init__(self, location: str, cache: Path) -> None:
        try:
            import s3fs
        except ModuleNotFoundError as error:
            raise MissingExtraError("s3fs", "s3", f"the object store {location}") from error
        self._root = location.removeprefix("s3://").strip("/")
        self._cache = cache
        self._files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)

    def put(self, key: str, source: Path | bytes) -> None:
        """Store a file's content, or bytes; an existing key is replaced."""
        target = self._target(key)
        if isinstance(source, Path) and not source.is_file():
            raise NotFoundError(f"there is no file {source}")
        with self._translated(key):
            if isinstance(source, bytes):
                self._files.pipe_file(target, source)
            else:
                self._files.put_file(str(source), target)

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        with self._translated(key):
            return bytes(self._files.cat_file(self._target(key)))

    def path(self, key: str) -> Path:
        """A local file with the object's present content, which must not be written to."""
        target = self._target(key)
        with self._translated(key):
            tag = self._info(target)["ETag"]
            content = hashlib.sha256(f"{target}\n{tag}".encode()).hexdigest()
            local = self._cache / content[:2] / content / key.rpartition("/")[2]
            if not local.is_file():
                local.parent.mkdir(parents=True, exist_ok=True)
                temporary = local.with_name(f".{secrets.token_hex(8)}")
                try:
                    self._files.get_file(target, str(temporary))
                    temporary.replace(local)
                finally:
                    temporary.unlink(missing_ok=True)
        return local

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        with self._translated(key):
            return self._is_object(self._target(key))

    def list(self, prefix: str) -> Sequence[str]:
        """All keys below a prefix, sorted."""
        with self._translated(prefix):
            found = self._files.find(f"{self._root}/{below(prefix)}")
        return sorted(path.removeprefix(f"{self._root}/") for path in found)

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        with self._translated(key):
            if self._is_object(self._target(key)):
                self._files.rm_file(self._target(key))

    def _info(self, target: str) -> Mapping[str, Any]:
        info: Mapping[str, Any] = self._files.info(target, refresh=True)
        if info["type"] != "file":
            raise FileNotFoundError(target)
        return info

    def _is_object(self, target: str) -> bool:
        try:
            self._info(target)
        except FileNotFoundError:
            return False
        return True

    def _target(self, key: str) -> str:
        return f"{self._root}/{check_key(key)}"

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, NoCredentialsError

        where = f"s3://{self._root}"
        try:
            yield
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no object {key!r} in {where}, or no such bucket") from error
        except (PermissionError, NoCredentialsError) as error:
            fix = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a user who may read and write the bucket"
            raise ConflictError(f"{where} refuses access: {error}", fix=fix) from error
        except (OSError, BotoCoreError) as error:
            fix = "check that the server runs, and AWS_ENDPOINT_URL if it is not Amazon's"
            raise UnavailableError(f"{where} does not answer: {error}", fix=fix) from error
