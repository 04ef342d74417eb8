"""Every error Torneo raises on purpose.

```
TorneoError
├── Terminal                 trying again changes nothing: somebody must act
│   ├── SpecError            project.yaml is wrong (all mistakes at once)
│   ├── SettingsError        a setting of the environment is wrong
│   ├── SourceError          the input cannot be found, reached or read
│   ├── GateError            the data breaks the contract beyond what it allows
│   ├── HookError            a function of the project (features.py, checks.py, models.py) failed
│   ├── TrainError           no model could be fitted
│   ├── ExportError          the model cannot become an ONNX bundle, or differs from it
│   ├── BundleError          a bundle is damaged, incomplete or not what was registered
│   ├── NotFoundError        no such project, version, run or object
│   ├── ConflictError        the action contradicts the present state
│   ├── MovedKeysError       a table has the keys of rows on days that the action may not touch
│   └── MissingExtraError    an optional dependency is not installed
└── Transient                the same call may succeed later; the runner retries
    ├── UnavailableError     a store or a server does not answer
    └── LockedError          another run holds the project's lock
```

The docstring of an error is its message when none is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SHOWN = 160
"""So many characters of a line are shown with a mistake."""


class TorneoError(Exception):
    """Torneo could not do what was asked."""

    def __init__(self, message: str | None = None, *, fix: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.fix = fix
        super().__init__(self.message if fix is None else f"{self.message}\n  fix: {fix}")


class Terminal(TorneoError):  # noqa: N818 - a category, not an error of its own
    """Trying again changes nothing: somebody must act."""


class Transient(TorneoError):  # noqa: N818 - a category, not an error of its own
    """The same call may succeed later."""


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a text file, with the place where it stands (line and column count from 1)."""

    line: int
    column: int
    message: str
    source: str = ""

    def render(self, file: str) -> str:
        """The mistake as `file:line:column: message`, with the source line and a caret under it."""
        head = f"{file}:{self.line}:{self.column}: {self.message}"
        if not self.source.strip():
            return head
        start = max(0, self.column - SHOWN // 2) if len(self.source) > SHOWN else 0
        shown = self.source[start : start + SHOWN].replace("\t", " ")
        return f"{head}\n    {shown}\n    {' ' * (self.column - 1 - start)}^"


class SpecError(Terminal):
    """The project file is not valid."""

    shown = 20

    def __init__(self, file: str, mistakes: list[Mistake]) -> None:
        self.file = file
        self.mistakes = sorted(mistakes)
        lines = [mistake.render(file) for mistake in self.mistakes[: self.shown]]
        hidden = len(self.mistakes) - self.shown
        if hidden > 0:
            lines.append(f"… and {hidden} more")
        super().__init__("\n".join(lines))


class SettingsError(Terminal):
    """A setting of the environment is wrong."""


class SourceError(Terminal):
    """The input cannot be found, reached or read."""


class GateError(Terminal):
    """The data breaks the contract beyond what it allows."""


class HookError(Terminal):
    """A function of the project failed."""


class TrainError(Terminal):
    """No model could be fitted."""


class ExportError(Terminal):
    """The model cannot be exported to ONNX, or its export does not give the same answers."""


class BundleError(Terminal):
    """The bundle is damaged, incomplete or not the one that was registered."""


class NotFoundError(Terminal):
    """There is no such thing."""


class ConflictError(Terminal):
    """The action contradicts the present state."""


class MovedKeysError(Terminal):
    """A table has the keys of rows on days that the action may not touch."""

    def __init__(self, message: str, keys: pl.DataFrame, *, fix: str) -> None:
        self.keys = keys
        super().__init__(message, fix=fix)


class MissingExtraError(Terminal):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed", fix=f"pip install 'torneo[{extra}]'")


class UnavailableError(Transient):
    """A store or a server does not answer."""


class LockedError(Transient):
    """Another run holds the lock."""
