"""A project's own functions: features.py, checks.py and models.py beside project.yaml."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from torneo.errors import HookError

FILES = ("features", "checks", "models")


@dataclass(frozen=True)
class Hooks:
    """The functions of a project, by file and name, with the text they were read from."""

    functions: Mapping[str, Mapping[str, Callable[..., Any]]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def digest(self, name: str) -> str:
        """The sha256 of a file's text, or `none`."""
        text = self.sources.get(name)
        return "none" if text is None else hashlib.sha256(text.encode()).hexdigest()

    @property
    def features(self) -> Callable[..., Any] | None:
        """The function `features(frame) -> frame` of features.py."""
        return self.functions.get("features", {}).get("features")


def load_hooks(folder: Path) -> Hooks:
    """Load what a project has of features.py, checks.py and models.py.

    Raises:
        HookError: a file cannot be imported, or features.py has no function `features`.
    """
    functions: dict[str, Mapping[str, Callable[..., Any]]] = {}
    sources: dict[str, str] = {}
    for name in FILES:
        path = folder / f"{name}.py"
        if path.is_file():
            with explained(path):
                sources[name] = path.read_text(encoding="utf-8")
                functions[name] = _functions(_run(path, sources[name]))
    if "features" in functions and "features" not in functions["features"]:
        raise HookError(
            f"{folder / 'features.py'} has no function `features`",
            fix="def features(frame: pl.DataFrame) -> pl.DataFrame: return frame.with_columns(…)",
        )
    return Hooks(functions, sources)


def _run(path: Path, text: str) -> ModuleType:
    """The module that a text makes: the very text that is digested and bundled, never a compiled file beside it."""
    module = ModuleType(f"torneo_project_{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]}_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102 - the user's own function is what is asked for
    return module


def _functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


class explained:  # noqa: N801 - a context manager, read as a verb
    """Turns whatever a project's function raises into a HookError with its file and line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, HookError):
            frames = [frame for frame in traceback.extract_tb(trace) if frame.filename == str(self.path)]
            line = frames[-1].lineno if frames else getattr(error, "lineno", 1)
            raise HookError(f"{self.path}:{line}: {type(error).__name__}: {str(error)[:500]}") from error
