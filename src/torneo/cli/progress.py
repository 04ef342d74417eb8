"""Progress on a terminal: a line per part on stderr, with a bar, the best score and the time left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from torneo.ports import Progress


class TerminalProgress:
    """Rich bars; where stderr is no terminal, one line when a part is done."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Bars(
            SpinnerColumn(style="cyan"),
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", style="cyan", markup=False),
            console=console,
            transient=True,
        )

    def __enter__(self) -> TerminalProgress:
        if self.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()

    def step(self, name: str, total: int | None = None) -> Progress:
        """Begin a line."""
        return _Line(self, name, self.bars.add_task(name, total=total, note=""))

    def advance(self, units: int = 1, note: str = "") -> None:
        """The whole has no units of its own."""

    def done(self, note: str = "") -> None:
        """The whole ends with the block."""


class _Line:
    def __init__(self, whole: TerminalProgress, name: str, task: TaskID) -> None:
        self.whole, self.name, self.task = whole, name, task

    def step(self, name: str, total: int | None = None) -> Progress:
        return self.whole.step(name, total)

    def advance(self, units: int = 1, note: str = "") -> None:
        self.whole.bars.update(self.task, advance=units, note=note)

    def done(self, note: str = "") -> None:
        self.whole.bars.remove_task(self.task)
        self.whole.console.print(f"  [dim]{escape(self.name)}[/dim] {escape(note)}".rstrip())
