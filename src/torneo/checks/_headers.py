"""Whether a source has the columns that a contract needs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from torneo.errors import GateError
from torneo.spec.columns import Contract

SHOWN = 20


def check_headers(contract: Contract, headers: Sequence[str]) -> tuple[str, ...]:
    """The headers that the contract does not name.

    Raises:
        GateError: a column of the contract is missing, and is not one that can be computed.
    """
    wanted = {column.header or name: column for name, column in contract.columns.items()}
    missing = [header for header, column in wanted.items() if header not in headers and column.compute is None]
    if missing:
        raise GateError(
            _missing_columns(missing, headers),
            fix="correct contract.columns, or give the source's name of a column as its `header`",
        )
    return tuple(name for name in headers if name not in wanted)


def _missing_columns(missing: Sequence[str], headers: Sequence[str]) -> str:
    lines = [f"the source lacks {len(missing)} column(s) of the contract:"]
    for header in missing[:SHOWN]:
        near = difflib.get_close_matches(header, headers, n=1)
        lines.append(f"  {header!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    if len(missing) > SHOWN:
        lines.append(f"  … and {len(missing) - SHOWN} more")
    more = f" and {len(headers) - SHOWN} more" if len(headers) > SHOWN else ""
    return "\n".join([*lines, f"  it has {', '.join(headers[:SHOWN])}{more}"])
