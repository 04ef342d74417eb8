"""Small pictures of how something went over windows: a line, a line with its interval, a bar against a threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torneo.reports.html import escape, svg, ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1000.0, 260.0, 64.0, 16.0, 14.0, 34.0
SMALL_WIDTH, SMALL_HEIGHT = 150.0, 28.0

Point = tuple[float | None, float | None, float | None]
"""A value with the ends of its interval; None where there is none."""


def small_line(values: Sequence[float | None], rule: float, label: str) -> str:
    """A line without axes, with a rule across, such as a threshold.

    >>> 'aria-label="a"' in small_line([0.0, None, 2.0], 1.0, "a")
    True
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    top = max(*known, rule * 1.25, 1e-12)

    def y(value: float) -> float:
        return SMALL_HEIGHT - 3 - (SMALL_HEIGHT - 6) * value / top

    step = (SMALL_WIDTH - 6) / max(len(values) - 1, 1)
    places = [None if value is None else (3 + place * step, y(value)) for place, value in enumerate(values)]
    parts = [f'<line class="axis" x1="0" x2="{SMALL_WIDTH:g}" y1="{y(rule):.1f}" y2="{y(rule):.1f}"/>']
    parts += _paths(places, 'stroke="var(--blue)" fill="none" stroke-width="1.6"')
    parts += [
        f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="2" fill="var(--red)"/>'
        for place, value in zip(places, values, strict=True)
        if place is not None and value is not None and value >= rule
    ]
    return svg(SMALL_WIDTH, SMALL_HEIGHT, parts, label)


def against(value: float, threshold: float, label: str) -> str:
    """A bar that is as long as a value, and a mark where the threshold is, which stands in the middle."""
    share = min(value / threshold, 2.0) / 2 if threshold > 0 else 0.0
    middle = SMALL_WIDTH / 2
    kind = "var(--red)" if value >= threshold else "var(--blue)"
    parts = (
        f'<rect x="0" y="9" width="{share * SMALL_WIDTH:.1f}" height="10" rx="2" fill="{kind}"/>',
        f'<line class="rule" x1="{middle:g}" x2="{middle:g}" y1="4" y2="24"/>',
    )
    return svg(SMALL_WIDTH, SMALL_HEIGHT, parts, label)


def lines(
    names: Sequence[str],
    series: Sequence[tuple[str, str, Sequence[Point]]],
    rules: Sequence[tuple[str, float]],
    title: str,
) -> str:
    """Values over windows, with their intervals as bands.

    Args:
        names: the windows' names.
        series: of each its name, its colour (a variable of the style) and its points, one for each window.
        rules: names and values of lines across.
        title: words for those who cannot see it.
    """
    known = [end for _, _, points in series for point in points for end in point if end is not None]
    known += [value for _, value in rules]
    if not known:
        return ""
    low, high = min(known), max(known)
    pad = (high - low or abs(high) or 1.0) * 0.06
    scale = _Scale(low - pad, high + pad, len(names))
    parts = [*_grid(scale, names), *(part for each in series for part in _series(scale, each))]
    for name, value in rules:
        y = scale.y(value)
        parts.append(
            f'<line class="rule" stroke-dasharray="5 4" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text x="{WIDTH - RIGHT}" y="{y - 5:.1f}" text-anchor="end" class="muted">{escape(name)}</text>')
    return svg(WIDTH, HEIGHT, parts, title)


class _Scale:
    """From windows and values to places."""

    def __init__(self, low: float, high: float, count: int) -> None:
        self.low, self.high, self._step = low, high, (WIDTH - LEFT - RIGHT) / max(count, 1)

    def x(self, place: int) -> float:
        return LEFT + (place + 0.5) * self._step

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low)


def _grid(scale: _Scale, names: Sequence[str]) -> Iterator[str]:
    for value in ticks(scale.low, scale.high):
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="muted" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    every = max(1, -(-len(names) // 8))
    for place in range(0, len(names), every):
        text = escape(names[place])
        yield f'<text class="muted" x="{scale.x(place):.1f}" y="{HEIGHT - 10}" text-anchor="middle">{text}</text>'


def _series(scale: _Scale, series: tuple[str, str, Sequence[Point]]) -> Iterator[str]:
    _, colour, points = series
    for place, (value, low, high) in enumerate(points):
        if value is None:
            continue
        x = scale.x(place)
        if low is not None and high is not None:
            style = f'stroke="{colour}" stroke-width="3" opacity="0.35"'
            yield f'<line {style} x1="{x:.1f}" x2="{x:.1f}" y1="{scale.y(low):.1f}" y2="{scale.y(high):.1f}"/>'
        yield f'<circle cx="{x:.1f}" cy="{scale.y(value):.1f}" r="3.5" fill="{colour}"/>'
    places = [None if value is None else (scale.x(at), scale.y(value)) for at, (value, _, _) in enumerate(points)]
    yield from _paths(places, f'stroke="{colour}" fill="none" stroke-width="1.6"')


def _paths(places: Sequence[tuple[float, float] | None], style: str) -> Iterator[str]:
    """Lines between neighbours that are both there."""
    run: list[tuple[float, float]] = []
    for place in [*places, None]:
        if place is not None:
            run.append(place)
            continue
        if len(run) > 1:
            yield f'<polyline {style} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in run)}"/>'
        run = []
