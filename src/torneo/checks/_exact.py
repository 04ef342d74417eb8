"""Exact arithmetic on decimals, as whole numbers of 128 bits that count units of a power of ten.

What an operation can need at most is known before any row is read, so nothing overflows and nothing is rounded unseen.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from torneo.spec.columns import MOST_DIGITS

INTEGER_DIGITS = 19


class Unfit(Exception):  # noqa: N818 - never leaves this package
    """A result would need more digits than there are."""


@dataclass(frozen=True)
class Exact:
    """A number as `units` of 10^-scale; the units have at most so many digits."""

    units: Any
    scale: int
    digits: int

    def __post_init__(self) -> None:
        if self.digits > MOST_DIGITS:
            raise Unfit(f"it may need {self.digits} digits, and there are {MOST_DIGITS}: round its parts first")

    def times(self, other: Exact) -> Exact:
        """The product."""
        return Exact(self.units * other.units, self.scale + other.scale, self.digits + other.digits)

    def plus(self, other: Exact, sign: int = 1) -> Exact:
        """The sum, or the difference."""
        left, right = aligned(self, other)
        return Exact(left.units + right.units * sign, left.scale, max(left.digits, right.digits) + 1)

    def scaled(self, scale: int) -> Exact:
        """The same number in smaller units."""
        more = scale - self.scale
        return self if more == 0 else Exact(self.units * _power(more), scale, self.digits + more)

    def rounded(self, scale: int) -> Exact:
        """To so many digits after the point, half away from zero."""
        fewer = self.scale - scale
        if fewer <= 0:
            return self
        size = (self.units.abs() + 5 * 10 ** (fewer - 1)) // _power(fewer)
        units = nw.when(self.units < 0).then(size * -1).otherwise(size)
        return Exact(units, scale, max(1, self.digits - fewer + 1))

    def absolute(self) -> Exact:
        """Without its sign."""
        return Exact(self.units.abs(), self.scale, self.digits)

    def negative(self) -> Exact:
        """With the other sign."""
        return Exact(self.units * -1, self.scale, self.digits)

    @property
    def as_float(self) -> Any:
        """The float that is nearest, or its neighbour."""
        return self.units.cast(nw.Float64) / 10.0**self.scale


def aligned(left: Exact, right: Exact) -> tuple[Exact, Exact]:
    """Two numbers in the same units."""
    scale = max(left.scale, right.scale)
    return left.scaled(scale), right.scaled(scale)


def of_decimal(column: Any, precision: int, scale: int) -> Exact:
    """A column of decimals."""
    if precision + scale > MOST_DIGITS:
        raise Unfit(f"a decimal can be computed with if its precision and scale together are {MOST_DIGITS} at most")
    units = column if scale == 0 else column * nw.lit(decimal.Decimal(10**scale))
    return Exact(units.cast(nw.Int128), scale, precision)


def of_integer(column: Any) -> Exact:
    """A column of whole numbers."""
    return Exact(column.cast(nw.Int128), 0, INTEGER_DIGITS)


def of_constant(value: int | float) -> Exact:
    """A number as it is written: 0.1 is a tenth."""
    sign, digits, exponent = decimal.Decimal(repr(value)).as_tuple()
    if not isinstance(exponent, int):
        raise Unfit(f"{value} is no number")
    units = int("".join(str(digit) for digit in digits)) * 10 ** max(0, exponent) * (-1 if sign else 1)
    return Exact(nw.lit(units).cast(nw.Int128), max(0, -exponent), len(str(abs(units))))


def _power(exponent: int) -> Any:
    return nw.lit(10**exponent).cast(nw.Int128)
