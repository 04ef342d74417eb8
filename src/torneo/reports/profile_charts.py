"""The small pictures of a profile's page: inline SVG, in the page's colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torneo.reports.html import escape, svg, ticks
from torneo.reports.profile_records import ColumnProfile, Group, Matrix, Relation
from torneo.reports.text import moment, number, share, short

WIDTH, HEIGHT = 480.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 16.0, 12.0, 26.0
ROW = 19.0
CELL, SMALLEST = 40.0, 15.0
NAMES = 130.0


def spark(counts: Sequence[int]) -> str:
    """A distribution the size of a word."""
    width, top = min(90 / len(counts), 14.0), max(counts)
    gap = 0.6 if width < 6 else 2
    bars = (
        f'<rect class="bar" x="{place * width:.1f}" y="{24 - 22 * count / top:.1f}" '
        f'width="{max(width - gap, 0.6):.1f}" height="{22 * count / top:.1f}"/>'
        for place, count in enumerate(counts)
        if count
    )
    return svg(90, 24, bars, "distribution")


def meter(value: float, words: str) -> str:
    """A share as a bar with its number."""
    return svg(
        120, 16,
        [
            f'<rect class="soft" x="0" y="3" width="{60 * min(max(value, 0), 1):.1f}" height="10" rx="2"/>'
            f'<text x="{60 * min(max(value, 0), 1) + 6:.1f}" y="12" class="muted">{escape(words)}</text>'
        ],
        words,
    )  # fmt: skip


def histogram_chart(column: ColumnProfile) -> str:
    """Rows per bin of a column of numbers or moments."""
    bars = column.histogram
    if bars is None:
        return ""
    top, low, high = max(bars.counts), bars.edges[0], bars.edges[-1]

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    def y(rows: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * rows / top

    parts = _rules(ticks(0, top, 3), y)
    for count, left, right in zip(bars.counts, bars.edges[:-1], bars.edges[1:], strict=True):
        if count:
            width, height = max(x(right) - x(left) - 1, 0.8), HEIGHT - BOTTOM - y(count)
            parts.append(
                f'<rect class="bar" x="{x(left):.1f}" y="{y(count):.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            )
    parts += [
        f'<text class="muted" x="{x(tick):.1f}" y="{HEIGHT - 9:g}" text-anchor="{anchor}">{escape(words)}</text>'
        for tick, words, anchor in _marks(column, low, high)
    ]
    return svg(WIDTH, HEIGHT, parts, f"histogram of {column.name}")


def _rules(marks: Sequence[float], y: Callable[[float], float]) -> list[str]:
    """Horizontal lines with their numbers."""
    return [
        f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text class="muted" x="{LEFT - 6:g}" y="{y(tick) + 4:.1f}" text-anchor="end">{number(tick)}</text>'
        for tick in marks
    ]


def _marks(column: ColumnProfile, low: float, high: float) -> list[tuple[float, str, str]]:
    """Where the x-axis has words, which, and how they stand."""
    if column.kind == "time":
        return [(low, moment(low)[:10], "start"), (high, moment(high)[:10], "end")]
    return [(tick, number(tick, 4), "middle") for tick in ticks(low, high, 6)]


def value_bars(column: ColumnProfile) -> str:
    """The most frequent values of a column of texts."""
    top = max((rows for _, rows in column.top), default=1)
    parts = []
    for place, (value, rows) in enumerate(column.top):
        y = place * ROW
        width = (WIDTH - NAMES - 110) * rows / top
        parts.append(
            f'<text x="{NAMES - 8:g}" y="{y + 14:g}" text-anchor="end">{escape(short(value, 18) or "(empty)")}</text>'
            f'<rect class="bar" x="{NAMES:g}" y="{y + 3:g}" width="{max(width, 1):.1f}" height="{ROW - 6:g}" rx="1"/>'
            f'<text class="muted" x="{NAMES + width + 6:.1f}" y="{y + 14:g}">{rows:,} · '
            f"{share(rows / max(column.present, 1))}</text>"
        )
    return svg(WIDTH, ROW * len(column.top) + 4, parts, f"most frequent values of {column.name}")


def relation_chart(column: ColumnProfile, relation: Relation) -> str:
    """The target by group: a line over a number, a dot per value of a category; dot size by rows."""
    groups = [group for group in relation.groups if math.isfinite(group.target)]
    values = [group.target for group in groups]
    values += [relation.overall - relation.spread / 2, relation.overall + relation.spread / 2]
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or max(abs(high) * 0.1, 0.05)
    low, high = low - room, high + room
    step = (WIDTH - LEFT - RIGHT) / max(len(groups), 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = _rules(ticks(low, high, 3), y)
    overall = y(relation.overall)
    parts.append(
        f'<line class="axis" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{overall:.1f}" y2="{overall:.1f}" '
        'stroke-dasharray="3 3"/>'
    )
    places = [LEFT + step * (place + 0.5) for place in range(len(groups))]
    if column.kind != "category":
        inner = [(x, y(group.target)) for x, group in zip(places, groups, strict=True) if group.label != "missing"]
        parts.append(f'<polyline class="mark" points="{" ".join(f"{x:.1f},{h:.1f}" for x, h in inner)}"/>')
    largest = max((group.rows for group in groups), default=1)
    reach = step if column.kind == "category" or step > 50 else 2 * step
    for place, (x, group) in enumerate(zip(places, groups, strict=True)):
        crowded = place == len(groups) - 2 and groups[-1].label == "missing"
        said = reach == step or (place % 2 == 0 and not crowded) or group.label == "missing"
        label = short(group.label, max(4, int(reach / 7))) if said else ""
        parts.append(_group(group, x, y(group.target), math.sqrt(group.rows / largest), label))
    return svg(WIDTH, HEIGHT, parts, f"{relation.what} by {column.name}")


def _group(group: Group, x: float, y: float, size: float, label: str) -> str:
    title = f"{group.label}: {number(group.target)} ({group.rows:,} rows)"
    return (
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{2.5 + 3.5 * size:.1f}">'
        f"<title>{escape(title)}</title></circle>"
        f'<text class="muted" x="{x:.1f}" y="{HEIGHT - 9:g}" text-anchor="middle">{escape(label)}</text>'
    )


def heatmap(names: Sequence[str], below: Matrix, above: Matrix) -> str:
    """Relations of columns in pairs: one measure below the diagonal, the other above it; blue is negative."""
    size = max(SMALLEST, min(CELL, 640 / len(names)))
    left, top = NAMES, 96.0
    parts = []
    for row, name in enumerate(names):
        middle = top + size * (row + 0.5)
        parts.append(f'<text x="{left - 8:g}" y="{middle + 4:.1f}" text-anchor="end">{escape(short(name, 17))}</text>')
        x = left + size * (row + 0.5) + 3
        parts.append(
            f'<text x="{x:.1f}" y="{top - 8:g}" transform="rotate(-45 {x:.1f} {top - 8:g})">'
            f"{escape(short(name, 16))}</text>"
        )
        for column in range(len(names)):
            if column != row:
                value = (above if column > row else below)[row][column]
                parts.append(_cell(value, left + size * column, top + size * row, size, f"{name}, {names[column]}"))
    width = left + size * len(names) + 70
    return svg(width, top + size * len(names) + 6, parts, "relations between columns")


def _cell(value: float, x: float, y: float, size: float, pair: str) -> str:
    if math.isnan(value):
        return ""
    kind = "warm" if value >= 0 else "cold"
    text = ""
    if size >= 30:
        words = f"{value:.2f}".replace("0.", ".").replace("-", "\N{MINUS SIGN}")
        text = (
            f'<text x="{x + size / 2:.1f}" y="{y + size / 2 + 4:.1f}" text-anchor="middle" class="tiny">{words}</text>'
        )
    return (
        f'<rect class="{kind}" x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{size - 1:.1f}" height="{size - 1:.1f}" '
        f'fill-opacity="{abs(value) ** 1.3:.2f}"><title>{escape(pair)}: {value:.3f}</title></rect>{text}'
    )
