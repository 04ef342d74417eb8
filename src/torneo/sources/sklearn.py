"""The real data sets that scikit-learn brings with it, such as `sklearn:diabetes`: no file, no network.

The columns have scikit-learn's names; the last one, `target`, has the classes by name where they have names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from torneo.errors import SourceError
from torneo.sources._local import check_pin
from torneo.sources._parquet import numbered
from torneo.sources._records import Extract
from torneo.sources._table import with_line, writer
from torneo.spec.source import Input

SETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def fingerprint(input: Input, folders: Sequence[Path]) -> str:  # noqa: ARG001, A002
    """The digest of the set's names and values.

    Raises:
        SourceError: scikit-learn brings no such set.
    """
    return _checked(_table(input.uri), input)


def extract(input: Input, folders: Sequence[Path], target: Path) -> Extract:  # noqa: ARG001, A002
    """Write the set in its own types and units, plus `__line__` as the number of the row.

    Raises:
        SourceError: scikit-learn brings no such set.
    """
    table = _table(input.uri)
    digest = _checked(table, input)
    with writer(target, with_line(table.schema)) as tables:
        tables.write(numbered(table, 0))
    return Extract(rows=table.num_rows, columns=tuple(table.column_names), fingerprint=digest, file=_name(input.uri))


def _checked(table: pa.Table, input: Input) -> str:  # noqa: A002
    digest = hashlib.sha256(repr(table.schema.names).encode())
    for column in table.columns:
        digest.update(repr(column.to_pylist()).encode())
    check_pin(digest.hexdigest(), input, input.uri)
    return digest.hexdigest()


def _name(uri: str) -> str:
    return uri.partition(":")[2].strip("/")


def _table(uri: str) -> pa.Table:
    name = _name(uri)
    if name == "linnerud":
        raise SourceError("sklearn:linnerud has three targets; a project has one", fix=f"use one of {', '.join(SETS)}")
    if name not in SETS:
        raise SourceError(
            f"scikit-learn brings no data set {name!r} (what it can fetch from the network is not read by this source)",
            fix=f"use one of {', '.join(SETS)}, or download the file and give its path or address",
        )
    from sklearn import datasets

    load = getattr(datasets, f"load_{name}")
    data = load(scaled=False) if name == "diabetes" else load()
    columns = {str(column): data.data[:, index] for index, column in enumerate(data.feature_names)}
    classes = np.asarray(getattr(data, "target_names", ()))
    columns["target"] = classes[data.target] if classes.dtype.kind == "U" else data.target
    return pa.table({name: np.ascontiguousarray(values) for name, values in columns.items()})
