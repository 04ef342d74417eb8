"""The further `rules` of a column, asked of the values of a request by the very functions that the gate asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import polars as pl

from torneo.checks import Check, rule_checks
from torneo.spec.columns import Column

DTYPES: Mapping[str, pl.DataType] = {
    "float": pl.Float64(), "int": pl.Int64(), "bool": pl.Boolean(), "category": pl.String(), "text": pl.String(),
    "date": pl.Date(), "datetime": pl.Datetime("us"),
}  # fmt: skip
"""What the gate makes of each type."""


@dataclass(frozen=True)
class ColumnRules:
    """The rules of one column, ready to be asked."""

    name: str
    column: Column
    checks: Sequence[Check]

    @classmethod
    def of(cls, name: str, column: Column) -> ColumnRules:
        """The rules that a column declares.

        Raises:
            GateError: one does not exist here, or does not fit the column.
        """
        return cls(name, column, tuple(rule_checks(name, column)))

    def broken(self, values: Sequence[Any]) -> Iterator[tuple[int, str, str]]:
        """The places of values (in the column's type; None is missing) that break a rule, its reason and its words.

        >>> rules = ColumnRules.of("code", Column(type="text", rules={"length": (2, 3)}))
        >>> list(rules.broken(["ab", "a", None]))
        [(1, 'length_code', 'does not keep the rule length: 2, 3')]
        """
        dtype = DTYPES[self.column.type]
        given = [value if value is None else float(value) for value in values] if dtype == pl.Float64() else values
        frame = nw.from_native(pl.DataFrame([pl.Series(self.name, given, dtype=dtype)]))
        for (rule, argument), check in zip(self.column.rules.items(), self.checks, strict=True):
            asked = ", ".join(map(str, argument)) if isinstance(argument, tuple) else str(argument)
            kept = frame.select(check.expression.alias(self.name))[self.name]
            for place, fine in enumerate(kept.to_list()):
                if fine is False:
                    yield place, check.name, f"does not keep the rule {rule}: {asked}"
