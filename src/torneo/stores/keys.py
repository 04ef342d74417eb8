"""What a key of an object may be, so that every store can have it and none writes outside its place."""

from __future__ import annotations

from torneo.errors import ConflictError

TEMPORARY = ".writing-"
"""How the names of files begin that are not whole yet; keys may not."""
LONGEST_NAME = 200
"""Characters of one part of a key: file systems allow 255 bytes, and the temporary name needs some."""


def check_key(key: str) -> str:
    """Give the key back if it can be one: parts separated by `/`, none of them empty, `.` or `..`.

    >>> check_key("runs/1/model.onnx")
    'runs/1/model.onnx'

    Raises:
        ConflictError: it cannot.
    """
    for part in key.split("/"):
        if part in ("", ".", "..") or part.startswith(TEMPORARY) or set(part) & set("\\\0\n"):
            raise ConflictError(f"{key[:300]!r} cannot be an object's key: {part[:100]!r} cannot be a part of one")
        if len(part.encode()) > LONGEST_NAME:
            raise ConflictError(f"{key[:300]!r} cannot be an object's key: a part is longer than {LONGEST_NAME} bytes")
    return key


def below(prefix: str) -> str:
    """The text that all keys below a prefix begin with.

    >>> below("runs/1"), below("runs/1/"), below("")
    ('runs/1/', 'runs/1/', '')
    """
    return f"{check_key(prefix.rstrip('/'))}/" if prefix.rstrip("/") else ""
