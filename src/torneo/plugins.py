"""The folder is the registry: `model: xgboost` is `torneo/models/xgboost.py`; third parties use entry points."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from torneo.errors import NotFoundError


@cache
def names(kind: str) -> tuple[str, ...]:
    """The plug-ins of a kind (`models`, `sources`, `checks`): ours by their files, others by entry point.

    >>> "linear" in names("models")
    True
    """
    package = importlib.import_module(f"torneo.{kind}")
    ours = {module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")}
    return tuple(sorted(ours | set(_entry_points(kind))))


def _entry_points(kind: str) -> Mapping[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=f"torneo.{kind}")}


def load(kind: str, name: str) -> ModuleType | Any:
    """Load a plug-in: a module of ours, or the object that an entry point names.

    Raises:
        NotFoundError: there is none of that name; the message has the nearest one and all there are.
    """
    known = names(kind)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise NotFoundError(f"there is no {kind.rstrip('s')} {name!r} ({hint}there are: {', '.join(known)})")
    point = _entry_points(kind).get(name)
    return point.load() if point is not None else importlib.import_module(f"torneo.{kind}.{name}")
