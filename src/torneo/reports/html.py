"""Pages that stand alone: one file, no script, nothing fetched, light and dark, readable on paper and on a phone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape as _escape

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a page may load: nothing but its own style."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f7f8fa; --ink: #1f2933; --muted: #5b6773; --line: #dfe3e8;
  --blue: #0072b2; --soft: #b9d7ea; --red: #c04f00; --green: #007a5a; --orange: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --card: #1c2229; --ink: #e6eaee; --muted: #9aa6b2;
  --line: #313a44; --blue: #56b4e9; --soft: #2c5573; --red: #ff9a57; --green: #3ecf9f; --orange: #e6b450; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; } h2 { font-size: 18px; margin: 40px 0 10px; }
h3 { font-size: 15px; margin: 0; overflow-wrap: anywhere; }
p { margin: 0 0 8px; max-width: 76ch; } .muted { color: var(--muted); } .small { font-size: 13px; }
a { color: var(--blue); text-decoration: none; } a:hover { text-decoration: underline; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px;
  min-width: min(100%, 520px); }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: 12.5px; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
td.number, th.number { text-align: right; } td { overflow-wrap: anywhere; } .scroll { overflow-x: auto; }
.badge { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: 12.5px; font-weight: 600;
  border: 1px solid currentColor; white-space: nowrap; }
.promote, .passed { color: var(--green); } .keep { color: var(--muted); }
.inconclusive { color: var(--orange); } .vetoed, .failed { color: var(--red); }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 0; }
.card { background: var(--card); border-radius: 8px; padding: 12px 16px; min-width: 120px; }
.card b { display: block; font-size: 21px; line-height: 1.2; font-variant-numeric: tabular-nums; }
svg { display: block; max-width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 12px; }
svg .muted { fill: var(--muted); } svg .grid { stroke: var(--line); } svg .axis { stroke: var(--muted); }
svg .bar { fill: var(--blue); } svg .soft { fill: var(--soft); } svg .rule { stroke: var(--ink); }
svg .mark { fill: none; stroke: var(--red); stroke-width: 2; stroke-linejoin: round; } svg .dot { fill: var(--red); }
svg g.promote, svg g.keep, svg g.inconclusive, svg g.vetoed { fill: currentColor; stroke: currentColor; }
svg g text { stroke: none; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } tr, .card { break-inside: avoid; } }
"""


def escape(text: object) -> str:
    """Text that is safe in an element and in a quoted attribute; control characters are shown as a sign.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    shown = "".join(c if c.isprintable() or c == " " else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return _escape(shown, quote=True)


def page(title: str, body: Iterable[str], style: str = "") -> str:
    """A whole HTML page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table; cells are HTML already, `numbers` are the places of columns set to the right."""

    def line(cells: Sequence[str], tag: str) -> str:
        marks = (' class="number"' if place in numbers else "" for place in range(len(cells)))
        parts = (f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True))
        return f"<tr>{''.join(parts)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table><thead>{line(head, "th")}</thead><tbody>{body}</tbody></table></div>'


def badge(text: str, kind: str) -> str:
    """A word set apart, in the colour of its kind."""
    return f'<span class="badge {kind}">{escape(text)}</span>'


def svg(width: float, height: float, parts: Iterable[str], label: str) -> str:
    """An inline picture with words for those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two bounds, at steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0, 1), ticks(-0.3, 0.4, 3)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-0.2, 0.0, 0.2, 0.4])
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    rough = (high - low) / (about + 0.5)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((factor * power for factor in (1, 2, 5) if factor * power >= rough * 0.999), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(place * step, digits + 1) + 0.0 for place in range(first, last + 1)]
