"""Numbers, shares and names as people read them."""

from __future__ import annotations

import datetime


def short(name: str, limit: int = 28) -> str:
    """A name that fits beside an axis.

    >>> short("a" * 40)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    return name if len(name) <= limit else name[: limit - 1] + "…"


def number(value: float, digits: int = 3) -> str:
    """A number to so many digits, thousands set apart, with a true minus sign.

    >>> number(0.12345), number(1234.5), number(7.0), number(1.5e9)
    ('0.123', '1,234', '7', '1.5e+09')
    """
    text = f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.{digits}g}"
    return text.replace("-", "\N{MINUS SIGN}") if text.startswith("-") else text


def share(value: float) -> str:
    """A share as a percentage, never rounded to none or all.

    >>> share(0.5), share(0.0321), share(0.99996), share(0.00001)
    ('50 %', '3.2 %', 'more than 99.9 %', 'less than 0.1 %')
    """
    if 0 < value < 0.001:
        return "less than 0.1 %"
    if 0.999 < value < 1:
        return "more than 99.9 %"
    return f"{100 * value:.{0 if value >= 0.1 else 1}f}".removesuffix(".0") + " %"


def measured(unit: str) -> str:
    """A unit as it stands after a quantity: ` (1000 USD)`, or nothing."""
    return f" ({unit})" if unit else ""


def listed(names: list[str] | tuple[str, ...], limit: int = 3) -> str:
    """Names in a sentence, the rest counted.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    shown = list(names[:limit])
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def moment(microseconds: float) -> str:
    """Microseconds since 1970 as a date, with the time where it is not midnight.

    >>> moment(0), moment(86_400_000_000 * 1.5)
    ('1970-01-01', '1970-01-02 12:00')
    """
    try:
        time = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=microseconds)
    except OverflowError:
        return number(microseconds)
    return time.strftime("%Y-%m-%d" if time.time() == datetime.time() else "%Y-%m-%d %H:%M")
