"""One look for all pictures: Okabe and Ito's palette, quiet axes, a title that states the finding.

Imported lazily: matplotlib loads at once. Pictures are Figure objects, never pyplot's; equal input gives equal bytes.

Reference: Okabe and Ito (2008), Color Universal Design.
"""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

INK, MUTED, LINE, PAPER = "#1f2933", "#66727f", "#d5dae0", "#ffffff"
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9",
)  # fmt: skip
SERIES = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
WIDTH, HEIGHT, RESOLUTION = 6.4, 4.6, 120
MARGIN = 0.12
"""The left edge of titles, in inches."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "text.parse_math": False,
    "axes.edgecolor": MUTED, "axes.labelcolor": MUTED, "axes.linewidth": 0.7, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.unicode_minus": True,
    "grid.color": LINE, "grid.linewidth": 0.5, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "xtick.major.size": 0, "ytick.major.size": 0,
    "figure.facecolor": PAPER, "axes.facecolor": PAPER, "savefig.facecolor": PAPER, "lines.solid_capstyle": "round",
    "legend.frameon": False, "legend.fontsize": 8.5, "path.simplify": True, "agg.path.chunksize": 10000,
}  # fmt: skip

_LOCK = threading.Lock()

Draw = Callable[[Axes], tuple[str, str]]
"""Draws on axes and gives the title (what was found) and the line under it (what it was found on)."""


def picture(path: Path, draw: Draw, *, width: float = WIDTH, height: float = HEIGHT) -> Path:
    """Draw one picture and write it as PNG. Safe in threads: matplotlib's settings are global, so one at a time."""
    with _LOCK, style.context(["default", STYLE]):
        layout = ConstrainedLayoutEngine(w_pad=MARGIN, h_pad=0.08)
        figure = Figure(figsize=(width, height), dpi=RESOLUTION, layout=layout)
        FigureCanvasAgg(figure)
        title, note = draw(figure.add_subplot())
        layout.set(rect=(0, 0, 1, _titles(figure, title, note)))
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png", metadata={"Software": None})
    return path


def _titles(figure: Figure, title: str, note: str) -> float:
    """Write title and note at the top left; gives the height that is left, as a share."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(title, int(width * 9.6))
    notes = textwrap.wrap(note, int(width * 14.5))
    figure.text(MARGIN / width, 1 - 0.12 / height, "\n".join(lines), size=12, weight="bold", va="top", linespacing=1.2)
    below = 0.12 + 0.21 * len(lines) + 0.05
    figure.text(MARGIN / width, 1 - below / height, "\n".join(notes), size=8.5, color=MUTED, va="top", linespacing=1.3)
    return float(1 - (below + 0.165 * len(notes) + 0.02) / height)
