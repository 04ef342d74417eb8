"""From the `source` of a project to one Parquet file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torneo import plugins
from torneo.errors import SourceError
from torneo.sources._join import Right, join
from torneo.sources._records import Extract, Reading
from torneo.sources._uri import display, resolve, scheme
from torneo.spec.records import digest_of
from torneo.spec.source import Input, Source

_OTHER_NAMES = {"": "files", "file": "files", "https": "http"}


def plugin_of(uri: str) -> Any:
    """The source that reads a URI: the plug-in named as its scheme, else `sql` for a database.

    Raises:
        SourceError: nothing reads such URIs; the message lists what is read.
    """
    kind = scheme(resolve(uri))
    name = _OTHER_NAMES.get(kind, kind)
    known = plugins.names("sources")
    if name in known:
        return plugins.load("sources", name)
    if "://" not in resolve(uri):
        return plugins.load("sources", "files")  # a file's name may have a colon
    sql = plugins.load("sources", "sql")
    if sql.is_database(name):
        return sql
    schemes = [f"{other}:" for other in known if other not in ("files", "sql")]
    raise SourceError(
        f"{display(uri)}: nothing reads {kind}://",
        fix=f"give a path, one of {', '.join(schemes)} or a database that SQLAlchemy knows (postgresql://, sqlite:///)",
    )


def fingerprint(source: Source, folders: Sequence[Path]) -> str:
    """The digest of the content of all inputs; with the same content it is the same on every machine and day.

    Args:
        source: a project's source.
        folders: where relative paths are looked up: the project's folder, then TORNEO_DATA.

    Raises:
        SourceError: an input cannot be found, reached or read.
        UnavailableError: a server does not answer.
    """
    return _combined([plugin_of(part.uri).fingerprint(part, folders) for part in (source, *source.join)])


def read(source: Source, folders: Sequence[Path], target: Path) -> Reading:
    """Read a project's source: all columns as they came, those of joined tables, and `__line__`.

    Args:
        source: a project's source.
        folders: where relative paths are looked up: the project's folder, then TORNEO_DATA.
        target: the Parquet file to write; its folder also holds what is temporary.

    Raises:
        SourceError: an input cannot be found, reached or read in one way only, has no rows, or cannot be joined.
        UnavailableError: a server does not answer.
        MissingExtraError: the source needs a package that is not installed.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="read-") as folder:
        first = Path(folder) / "0.parquet"
        extract = _extract(source, folders, first if source.join else target)
        if not source.join:
            return _reading(source, extract, (extract,), extract.columns, ())
        rights = []
        for number, part in enumerate(source.join, 1):
            path = Path(folder) / f"{number}.parquet"
            rights.append(Right(path, _extract(part, folders, path), part.on))
        columns, unmatched = join(first, extract, rights, target)
    return _reading(source, extract, (extract, *(right.extract for right in rights)), columns, unmatched)


def _reading(
    source: Source, first: Extract, extracts: Sequence[Extract], columns: tuple[str, ...], unmatched: Sequence[int]
) -> Reading:
    names = [display(part.uri) for part in source.join]
    return Reading(
        source=display(source.uri),
        file=first.file,
        fingerprint=_combined([extract.fingerprint for extract in extracts]),
        columns=columns,
        rows=first.rows,
        unmatched=dict(zip(names, unmatched, strict=True)),
    )


def _combined(fingerprints: Sequence[str]) -> str:
    return fingerprints[0] if len(fingerprints) == 1 else digest_of(list(fingerprints))


def _extract(input: Input, folders: Sequence[Path], target: Path) -> Extract:  # noqa: A002
    extract: Extract = plugin_of(input.uri).extract(input, folders, target)
    if extract.rows == 0:
        target.unlink(missing_ok=True)
        raise SourceError(f"{display(input.uri)} has columns but no rows", fix="check the export or the query")
    return extract
