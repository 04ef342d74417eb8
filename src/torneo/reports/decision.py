"""A decision as a page and as a picture: who becomes champion, by how much, how sure, and what stood in the way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torneo.reports.html import badge, escape, page, svg, table, ticks
from torneo.reports.text import number, share, short
from torneo.spec.records import Comparison, Decision

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, ROW, TOP, LEFT, RIGHT = 1000.0, 40.0, 26.0, 210.0, 240.0


@dataclass(frozen=True)
class Scale:
    """From values to places on a picture; what lies outside stands at the edge."""

    low: float
    high: float
    left: float
    right: float

    def __call__(self, value: float) -> float:
        """Where a value stands."""
        inside = min(max(value, self.low), self.high)
        return self.left + (self.right - self.left) * (inside - self.low) / (self.high - self.low)


def decision_page(decision: Decision, project: str) -> str:
    """The decision on one page of HTML that loads nothing: words, gains with intervals, scores, guardrails, vetoes.

    >>> decision = Decision(verdict="keep", winner=None, champion="version 3", metric="rmse", confidence=0.95,
    ...     min_gain=0, protocol="holdout", rows=102, scores={"champion": 3.1, "tuned": 3.2})
    >>> "version 3" in decision_page(decision, "housing")
    True
    """
    return page(f"{project}: {decision.verdict}", _sections(decision, project))


def _sections(decision: Decision, project: str) -> Iterator[str]:
    words = decision.words or (_headline(decision),)
    yield f'<p class="muted small">Decision · {escape(project)}</p>'
    yield f"<h1>{escape(words[0])}</h1><p>{badge(decision.verdict, decision.verdict)}</p>"
    if decision.comparisons:
        yield f"<h2>How much better each challenger is than {escape(decision.champion or 'the champion')}</h2>"
        yield f'<p class="muted small">{escape(_reading(decision))}</p>'
        yield _gains(decision)
    yield f"<h2>{escape(decision.metric)} on the same {decision.rows:,} rows</h2>"
    yield _scores(decision)
    if decision.guardrails:
        yield f"<h2>Guardrails</h2>{_guardrails(decision)}"
    if decision.vetoes:
        yield f"<h2>Vetoes</h2>{_vetoes(decision)}"
    if len(words) > 1:
        yield "<h2>In words</h2>" + "".join(f"<p>{escape(sentence)}</p>" for sentence in words[1:])


def _headline(decision: Decision) -> str:
    if decision.winner is not None:
        return f"{decision.winner!r} becomes champion"
    return f"{decision.champion} stays champion" if decision.champion else "There is no champion yet"


def _reading(decision: Decision) -> str:
    """How the picture of the gains is to be read."""
    least = f" The dashed line is the gain that is asked for, {number(decision.min_gain)}." if decision.min_gain else ""
    return (
        f"Gain in {decision.metric} with its {share(decision.confidence)} interval; right of 0 the challenger is "
        f"better.{least}"
    )


def bounds(decision: Decision) -> tuple[float, float]:
    """The values that a picture of the gains must show: all intervals, 0 and the gain asked for, with room."""
    ends = [0.0, decision.min_gain]
    for each in decision.comparisons:
        ends += [value for value in (each.low, each.gain, each.high) if math.isfinite(value)]
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def kind_of(decision: Decision, comparison: Comparison) -> str:
    """What a challenger's row is coloured by: its verdict, or that it is vetoed."""
    return "vetoed" if comparison.challenger in decision.vetoes else comparison.verdict


def _gains(decision: Decision) -> str:
    low, high = bounds(decision)
    scale = Scale(low, high, LEFT, WIDTH - RIGHT)
    bottom = TOP + ROW * len(decision.comparisons)
    parts = []
    for tick in ticks(low, high, 6):
        x = scale(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6:g}" y2="{bottom:g}"/>')
        parts.append(f'<text class="muted" x="{x:.1f}" y="{bottom + 18:g}" text-anchor="middle">{number(tick)}</text>')
    parts.append(_rule(scale(0.0), bottom, "0"))
    if decision.min_gain:
        parts.append(_rule(scale(decision.min_gain), bottom, "", dashed=True))
    parts += [
        _interval(decision, each, scale, TOP + ROW * (place + 0.5)) for place, each in enumerate(decision.comparisons)
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text class="muted" x="{middle:g}" y="{bottom + 40:g}" text-anchor="middle">'
        f"gain in {escape(decision.metric)} (better →)</text>"
    )
    return svg(WIDTH, bottom + 50, parts, "; ".join(_spoken(each) for each in decision.comparisons))


def _rule(x: float, bottom: float, label: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    text = f'<text class="muted" x="{x:.1f}" y="{TOP - 12:g}" text-anchor="middle">{label}</text>' if label else ""
    return f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6:g}" y2="{bottom:g}"{dashes}/>{text}'


def _interval(decision: Decision, comparison: Comparison, scale: Scale, y: float) -> str:
    kind = kind_of(decision, comparison)
    words = f"{number(comparison.gain)}  [{number(comparison.low)}, {number(comparison.high)}]"
    dot = ""
    if math.isfinite(comparison.gain):
        dot = f'<circle cx="{scale(comparison.gain):.1f}" cy="{y:g}" r="5.5" stroke="none"/>'
    line = ""
    if not (math.isnan(comparison.low) or math.isnan(comparison.high)):
        ends = f'x1="{scale(comparison.low):.1f}" x2="{scale(comparison.high):.1f}"'
        line = f'<line {ends} y1="{y:g}" y2="{y:g}" stroke-width="2.5" stroke-linecap="round"/>'
    return (
        f'<text x="{LEFT - 14:g}" y="{y + 4:g}" text-anchor="end">{escape(short(comparison.challenger, 26))}</text>'
        f'<g class="{kind}">{line}{dot}'
        f'<text x="{WIDTH - RIGHT + 14:g}" y="{y + 4:g}" xml:space="preserve" class="muted">{escape(words)}</text>'
        f'<text x="{WIDTH:g}" y="{y + 4:g}" text-anchor="end" style="fill: currentColor">{kind}</text></g>'
    )


def _spoken(comparison: Comparison) -> str:
    return (
        f"{comparison.challenger}: gain {number(comparison.gain)}, between {number(comparison.low)} and "
        f"{number(comparison.high)}, {comparison.verdict}"
    )


def _scores(decision: Decision) -> str:
    compared = {each.challenger: each for each in decision.comparisons}
    rows = []
    for name, value in decision.scores.items():
        each = compared.get(name)
        who = f"<b>{escape(name)}</b>" if name == decision.winner else escape(name)
        if name == "champion" and decision.champion:
            who += f' <span class="muted">({escape(decision.champion)})</span>'
        rows.append((who, number(value, 4), *(_tested(decision, each) if decision.comparisons else ())))
    head = ["", decision.metric] + (["gain", "p, adjusted", "test", ""] if decision.comparisons else [])
    return table([escape(text) for text in head], rows, numbers=(1, 2, 3))


def _tested(decision: Decision, comparison: Comparison | None) -> tuple[str, str, str, str]:
    if comparison is None:
        return "", "", "", ""
    kind = kind_of(decision, comparison)
    return number(comparison.gain), share(comparison.p_adjusted), escape(comparison.test), badge(kind, kind)


def _guardrails(decision: Decision) -> str:
    rows = [
        (
            escape(each.challenger), escape(each.name), escape(each.bar), number(each.value, 4),
            badge("passed" if each.passed else "failed", "passed" if each.passed else "failed"),
        )
        for each in decision.guardrails
    ]  # fmt: skip
    return table(["challenger", "what", "bar", "value", ""], rows, numbers=(2, 3))


def _vetoes(decision: Decision) -> str:
    rows = [(escape(name), "<br>".join(map(escape, reasons))) for name, reasons in decision.vetoes.items()]
    return table(["challenger", "cannot be promoted because"], rows)


def decision_plot(decision: Decision, path: Path) -> Path:
    """The gains with their intervals as PNG, for tracking; scores where there was no champion to compare with."""
    from torneo.reports.style import picture

    rows = len(decision.comparisons) or len(decision.scores)
    draw = _draw_gains if decision.comparisons else _draw_scores
    return picture(path, lambda axes: draw(axes, decision), height=1.6 + 0.36 * max(rows, 3))


def _draw_gains(axes: Axes, decision: Decision) -> tuple[str, str]:
    from torneo.reports.style import BLUE, INK, MUTED, ORANGE, RED

    colours = {"promote": BLUE, "keep": MUTED, "inconclusive": ORANGE, "vetoed": RED}
    low, high = bounds(decision)
    inside = Scale(low, high, low, high)
    axes.axvline(0, color=INK, lw=1)
    if decision.min_gain:
        axes.axvline(decision.min_gain, color=INK, lw=1, ls=(0, (5, 4)))
    for place, each in enumerate(decision.comparisons):
        colour = colours[kind_of(decision, each)]
        axes.plot([inside(each.low), inside(each.high)], [place, place], color=colour, lw=2.2)
        axes.plot([each.gain], [place], "o", color=colour, ms=6)
    axes.set(xlim=(low, high), xlabel=f"gain in {decision.metric} (right is better)")
    _names(axes, [f"{short(each.challenger, 22)}\n{kind_of(decision, each)}" for each in decision.comparisons])
    return (decision.words or (_headline(decision),))[0], f"{decision.rows:,} rows. {_reading(decision)}"


def _draw_scores(axes: Axes, decision: Decision) -> tuple[str, str]:
    from torneo.reports.style import BLUE, RED

    for place, (name, value) in enumerate(decision.scores.items()):
        axes.plot([value], [place], "o", color=RED if name in decision.vetoes else BLUE, ms=7)
    axes.set_xlabel(decision.metric)
    _names(axes, [short(name) + ("\nvetoed" if name in decision.vetoes else "") for name in decision.scores])
    return (decision.words or (_headline(decision),))[0], f"Scores on {decision.rows:,} rows."


def _names(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 3) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
