"""URIs: which source reads them, and how they are shown without secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from torneo.errors import SourceError
from torneo.spec.settings import VARIABLE, expand, variable

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")
_SECRET = re.compile(r"(?i)([?&;][^=&;#]*(?:pass|pwd|token|secret|key|sig|credential|auth)[^=&;#]*=)[^&;#]*")
_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)(.*)@(.*)$", re.DOTALL)


def scheme(uri: str) -> str:
    """The scheme of a URI in lower case; empty for a path, also for `C:\\…`.

    >>> scheme("postgresql+psycopg://u@h/d"), scheme("data/a.csv"), scheme("C:/a.csv")
    ('postgresql+psycopg', '', '')
    """
    match = _SCHEME.match(uri)
    return match[1].lower() if match else ""


def _user_part(uri: str) -> tuple[str, str, str] | None:
    match = _USER.match(uri)
    if match is None:
        return None
    start, user, rest = match.groups()
    if scheme(uri) in ("http", "https", "s3") and "/" in user:
        return None  # the @ stands in the path
    return start, user, rest


def display(uri: str) -> str:
    """The URI with passwords and secret parameters replaced by `***`; `${NAME}` is shown as it is written.

    >>> display("postgresql://me:p@ss@db:5432/sales?sslpassword=x")
    'postgresql://me:***@db:5432/sales?sslpassword=***'
    >>> display("https://h/a.csv?X-Amz-Signature=abc&page=2")
    'https://h/a.csv?X-Amz-Signature=***&page=2'
    >>> display("simulate:crypto?bad.duplicate_key=1%")
    'simulate:crypto?bad.duplicate_key=1%'
    """
    if scheme(uri) == "simulate":
        return uri
    parts = _user_part(uri)
    if parts is not None:
        start, user, rest = parts
        name, colon, _ = user.partition(":")
        uri = f"{start}{name}{':***' if colon else ''}@{rest}"
    return _SECRET.sub(r"\1***", uri)


def resolve(uri: str) -> str:
    """The URI with each `${NAME}` from the environment; in the user part its value is percent-encoded.

    Raises:
        SourceError: a variable is not set.
    """
    parts = _user_part(uri)
    if parts is None:
        return expand(uri)
    start, user, rest = parts
    return start + VARIABLE.sub(lambda match: quote(variable(match[1]), safe=""), user) + "@" + expand(rest)


def redact(message: object, uri: str, limit: int = 500) -> str:
    """A driver's message on one line, without the secrets of the URI and of the variables in it."""
    secrets = {variable(name) for name in VARIABLE.findall(uri)}
    parts = _user_part(resolve(uri))
    if parts is not None and ":" in parts[1]:
        password = parts[1].partition(":")[2]
        secrets |= {password, unquote(password)}
    text = " ".join(str(message).split())
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text if len(text) <= limit else text[:limit] + "…"


def file_name(uri: str) -> str:
    """The last part of a URI's path.

    >>> file_name("s3://bucket/a/b%20c.csv?versionId=1")
    'b c.csv'
    """
    return unquote(urlsplit(uri).path.rstrip("/").rsplit("/", 1)[-1])


def locate(path: str, folders: Sequence[Path]) -> Path:
    """The first place where a relative path is a file; an absolute path is itself.

    Raises:
        SourceError: it is nowhere, or is not a file; the message lists the places looked at.
    """
    wanted = Path(path).expanduser()
    places = list(dict.fromkeys((folder / wanted).absolute() for folder in (folders or (Path(),))))
    for place in places:
        if place.is_dir():
            raise SourceError(f"{place} is a folder, not a file", fix="name one file of it in `uri`")
        if place.is_file():
            return place
    looked = "".join(f"\n    {place}" for place in places)
    pages = [page for page in (folder / "README.md" for folder in folders) if page.is_file()]
    told = f"; {pages[0]} may say where to get it" if pages else ""
    raise SourceError(
        f"there is no file {path!r}; looked for:{looked}",
        fix=f"put the file in one of these places, or set TORNEO_DATA to the folder that has it{told}",
    )
