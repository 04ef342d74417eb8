"""Objects in S3 (any endpoint: `AWS_ENDPOINT_URL`), by `s3://bucket/key`; needs the extra `s3`.

The fingerprint is the pinned `sha256`, else that of the object's ETag and size. S3 makes an ETag from the content
(RFC 9110: it differs whenever the bytes differ); the same bytes uploaded in other parts may get another one, which
costs a run but never hides a change. `Extract.fingerprint` is the same value.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torneo.errors import MissingExtraError, SourceError, UnavailableError
from torneo.sources import _local, _uri
from torneo.sources._records import Extract
from torneo.spec.records import digest_of
from torneo.spec.source import Input


def fingerprint(input: Input, folders: Sequence[Path]) -> str:  # noqa: ARG001, A002
    """The pinned digest, or the digest of the object's ETag and size.

    Raises:
        SourceError: there is no such object, or it may not be read.
        UnavailableError: the server does not answer.
        MissingExtraError: s3fs is not installed.
    """
    if input.sha256 is not None:
        return input.sha256
    with _errors(input.uri):
        return _state(_filesystem(), input.uri)


def extract(input: Input, folders: Sequence[Path], target: Path) -> Extract:  # noqa: ARG001, A002
    """Download the object and write its columns as they came, plus `__line__`.

    Raises:
        SourceError: there is no such object, it may not be read, or it is another one than pinned.
        UnavailableError: the server does not answer, or the object was replaced meanwhile.
        MissingExtraError: s3fs is not installed.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="download-") as folder:
        path = Path(folder) / "content"
        with _errors(input.uri):
            files = _filesystem()
            before = _state(files, input.uri)
            files.get_file(_uri.resolve(input.uri), str(path))
            if _state(files, input.uri) != before:
                raise UnavailableError(f"{_uri.display(input.uri)} was replaced while it was read")
        done = _local.extract_file(path, input, _uri.file_name(input.uri), target)
    return done if input.sha256 is not None else done.model_copy(update={"fingerprint": before})


def _filesystem() -> Any:
    import fsspec

    return fsspec.filesystem("s3", use_listings_cache=False, skip_instance_cache=True)


def _state(files: Any, uri: str) -> str:
    facts = files.info(_uri.resolve(uri))
    if facts["type"] != "file":
        raise SourceError(f"{_uri.display(uri)} is a folder, not an object", fix="name one object in `uri`")
    return digest_of({"etag": facts["ETag"], "size": facts["size"]})


@contextmanager
def _errors(uri: str) -> Iterator[None]:
    """Tell what is wrong with the object from what is wrong with the server (s3fs gives OSErrors for both)."""
    try:
        import s3fs  # noqa: F401 - fsspec loads it by name
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError
    except ImportError:
        raise MissingExtraError("s3fs", "s3", "reading s3:// data") from None
    try:
        yield
    except FileNotFoundError:
        raise SourceError(
            f"there is no object {_uri.display(uri)}", fix="look at the bucket's and the key's name"
        ) from None
    except PermissionError as error:
        raise SourceError(
            f"{_uri.display(uri)} may not be read: {_uri.redact(error, uri, 200)}",
            fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of a user who may",
        ) from None
    except (NoCredentialsError, ParamValidationError) as error:
        message = f"{_uri.display(uri)}: {_uri.redact(error, uri, 200)}"
        raise SourceError(message, fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from None
    except (OSError, BotoCoreError, ClientError) as error:
        raise UnavailableError(f"{_uri.display(uri)}: {_uri.redact(error, uri, 200)}") from None
