"""Simulated rows for demonstrations and tests, such as `simulate:crypto?rows=1000&bad=5%`: invented, and labelled so.

`crypto` gives transactions with the columns of `bt_crypto_transaction_history`, all as text. Its parameters:

- `rows` (1000), `from` and `to` (2021-01-01 to 2021-01-31): how many transactions, and the days they are spread over;
- `seed` (0): equal parameters and price files give equal rows, on every machine;
- `bad` (0%): the share of rows that are spoilt, in equal parts by each kind; or `bad.KIND` for one kind, a kind being
  one of `torneo.sources._crypto.KINDS`. Half of the rows at most;
- `value` (no): with `yes` there is a column purchase_value as well, which may be spoilt too.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from torneo.errors import SourceError
from torneo.sources import _crypto, _crypto_prices
from torneo.sources._crypto import KINDS, Simulation
from torneo.sources._local import check_pin
from torneo.sources._parquet import numbered
from torneo.sources._records import Extract
from torneo.sources._table import with_line, writer
from torneo.sources._uri import resolve
from torneo.spec.frozen import nearest, parse_share, shortened
from torneo.spec.records import digest_of
from torneo.spec.source import Input

EARLIEST = _crypto_prices.EARLIEST
MOST_ROWS = 100_000_000
VERSION = 1
"""Another one when the same parameters give other rows than before."""


def fingerprint(input: Input, folders: Sequence[Path]) -> str:  # noqa: A002
    """The digest of the parameters and of the price files' content.

    Raises:
        SourceError: there is no such simulation, or a parameter is wrong.
    """
    return _fingerprint(input, simulation(input.uri), _crypto_prices.files(folders))


def extract(input: Input, folders: Sequence[Path], target: Path) -> Extract:  # noqa: A002
    """Write simulated rows, plus `__line__` as the number of the row; memory does not grow with the rows.

    Raises:
        SourceError: there is no such simulation, a parameter is wrong, or a price file cannot be read.
    """
    wanted = simulation(input.uri)
    files = _crypto_prices.files(folders)
    digest = _fingerprint(input, wanted, files)
    prices = _crypto_prices.prices(files, wanted.seed, wanted.first, wanted.last)
    schema = _crypto.schema(wanted)
    with writer(target, with_line(schema)) as tables:
        for table in _crypto.tables(wanted, prices):
            tables.write(numbered(table, tables.rows))
    known = ", ".join(path.name for path in files) or "a random walk"
    name = f"simulated crypto transactions (seed {wanted.seed}, prices from {known})"
    return Extract(rows=tables.rows, columns=tuple(schema.names), fingerprint=digest, file=name)


def _fingerprint(input: Input, wanted: Simulation, files: Sequence[Path]) -> str:  # noqa: A002
    told = {**wanted.model_dump(mode="json"), "version": VERSION, "prices": _crypto_prices.digests(files)}
    digest = digest_of(told)
    check_pin(digest, input, input.uri)
    return digest


def simulation(uri: str) -> Simulation:
    """What a URI asks for.

    >>> simulation("simulate:crypto?rows=10&bad.missing_user_id=10%").bad
    {'missing_user_id': 1}

    Raises:
        SourceError: there is no such simulation; or a parameter is unknown, given twice or wrong.
    """
    name, _, query = resolve(uri).partition(":")[2].strip("/").partition("?")
    if name != "crypto":
        raise SourceError(f"there is no simulation {shortened(name)}", fix="use simulate:crypto?rows=1000")
    given: dict[str, str] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key not in _PARAMETERS:
            raise SourceError(
                f"simulate:crypto has no parameter {shortened(key)}{nearest(key, _PARAMETERS)}",
                fix=f"there are {', '.join(_PARAMETERS)}",
            )
        if key in given:
            raise SourceError(f"simulate:crypto: {key} is given twice", fix="give it once")
        given[key] = text
    values = {key: _value(key, text) for key, text in given.items()}
    return _checked(values)


def _value(key: str, text: str) -> Any:
    try:
        return _PARAMETERS[key](text)
    except ValueError as error:
        raise SourceError(
            f"simulate:crypto: {key}={text[:80]}: {error}", fix="correct the parameter in the source's `uri`"
        ) from None


def _checked(values: Mapping[str, Any]) -> Simulation:
    """The parameters as a whole, with a number of rows for each kind of bad ones."""
    rows, with_value = values.get("rows", 1000), values.get("value", False)
    first = values.get("from", datetime.date(2021, 1, 1))
    last = values.get("to", max(first, datetime.date(2021, 1, 31)))
    if last < first:
        raise SourceError(f"simulate:crypto: from={first} is later than to={last}", fix="exchange them")
    kinds = [kind for kind in KINDS if with_value or kind != "mismatched_value"]
    if "bad.mismatched_value" in values and not with_value:
        raise SourceError("simulate:crypto: bad.mismatched_value needs a value to spoil", fix="add value=yes")
    single = {kind: values[f"bad.{kind}"] for kind in KINDS if f"bad.{kind}" in values}
    if single and "bad" in values:
        raise SourceError("simulate:crypto: bad and bad.KIND exclude each other", fix="leave one of them out")
    counts = {kind: max(1, round(share * rows)) for kind, share in single.items() if share > 0}
    total = round(values.get("bad", 0.0) * rows)
    if total:
        counts = {kind: (total + place) // len(kinds) for place, kind in enumerate(reversed(kinds))}
    if sum(counts.values()) * 2 > rows:
        raise SourceError(
            f"simulate:crypto: {sum(counts.values()):,} of {rows:,} rows would be bad, which is more than half",
            fix="ask for more rows or for fewer bad ones",
        )
    bad = {kind: counts[kind] for kind in KINDS if counts.get(kind)}
    return Simulation(rows=rows, first=first, last=last, seed=values.get("seed", 0), bad=bad, value=with_value)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text[:20]) <= high:
            raise ValueError(f"expected a whole number from {low:,} to {high:,}")
        return int(text)

    return parse


def _date(text: str) -> datetime.date:
    day = datetime.date.fromisoformat(text)
    if not EARLIEST <= day <= datetime.date(2099, 12, 31):
        raise ValueError(f"expected a day from {EARLIEST} to 2099-12-31")
    return day


def _share(text: str) -> float:
    try:
        share = float(text) if not text.endswith("%") else float(parse_share(text))
    except ValueError:
        share = -1
    if not 0 <= share <= 0.5:
        raise ValueError("expected a share from 0% to 50%")
    return share


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("expected yes or no")
    return text == "yes"


_PARAMETERS: Mapping[str, Callable[[str], Any]] = {
    "rows": _whole(1, MOST_ROWS),
    "from": _date,
    "to": _date,
    "seed": _whole(0, 2**31 - 1),
    "value": _yes,
    "bad": _share,
    **{f"bad.{kind}": _share for kind in KINDS},
}
