"""`torneo doctor`: looks at the installation as somebody who has to run it, and says what to do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torneo.errors import NotFoundError, SpecError, TorneoError
from torneo.orchestration import local
from torneo.ports import INSTALLATION, StateStore
from torneo.promotion import champion, history
from torneo.runtime import Runtime
from torneo.serving import keys, traffic
from torneo.spec.channels import unset
from torneo.spec.frozen import Frozen
from torneo.spec.load import load
from torneo.spec.loading import LoadProject
from torneo.spec.settings import Settings, settings
from torneo.spec.tables import RUNS
from torneo.stages import loading
from torneo.watchdog import journal

NEEDED_GIB = 1.0
EXTRAS = {"boost": "lightgbm", "gx": "great_expectations", "postgres": "psycopg", "s3": "s3fs"}
STREAMS = (local.STREAM, loading.STREAM, traffic.STREAM, journal.WINDOWS, journal.ALERTS, journal.ACTIONS)
"""What a project records beside decisions."""
CLASHES = {"xgboost": "xgboost-cpu"}
"""Packages that install into the folder of another one: never both."""


class Finding(Frozen):
    """One thing that was looked at."""

    subject: str
    good: bool
    message: str
    fix: str = ""


def examine() -> Sequence[Finding]:
    """Look at Python, packages, home, disk, stores, and the state of every project."""
    runtime = Runtime(settings())
    places = [*_places(runtime.settings), *_stores(runtime)]
    return [*_python(), *_packages(), *places, *_channels(runtime.settings)]


def _python() -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding(subject="python", good=sys.version_info >= (3, 11), message=version, fix="")


def _packages() -> Iterator[Finding]:
    for package, ours in CLASHES.items():
        both = _installed(package) and _installed(ours)
        yield Finding(
            subject=ours,
            good=not both,
            message=f"installed together with {package}: they share a folder"
            if both
            else importlib.metadata.version(ours),
            fix=f"pip uninstall -y {package} {ours} && pip install {ours}" if both else "",
        )
    for extra, module in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        yield Finding(subject=f"extra {extra}", good=True, message="installed" if there else "not installed (optional)")


def _installed(name: str) -> bool:
    return any(found.name == name for found in importlib.metadata.distributions(name=name))


def _places(found: Settings) -> Iterator[Finding]:
    home = found.home.absolute()
    existing = next(path for path in (home, *home.parents) if path.exists())
    probe = existing / ".torneo-doctor"
    try:
        probe.touch()
        probe.unlink()
        yield Finding(subject="home", good=True, message=f"{home} can be written")
    except OSError as error:
        yield Finding(subject="home", good=False, message=f"{home}: {error.strerror}", fix="set TORNEO_HOME elsewhere")
    free = shutil.disk_usage(existing).free / 2**30
    fix = "" if free >= NEEDED_GIB else f"free some space, or set TORNEO_HOME to another disk than {existing}"
    yield Finding(subject="disk", good=free >= NEEDED_GIB, message=f"{free:.1f} GiB free", fix=fix)
    if found.data is not None:
        there = found.data.is_dir()
        yield Finding(
            subject="TORNEO_DATA",
            good=there,
            message=f"{found.data}" if there else f"{found.data} is not a folder",
            fix="" if there else "set TORNEO_DATA to the folder with the data files",
        )


def _stores(runtime: Runtime) -> Iterator[Finding]:
    try:
        started = time.monotonic()
        names = runtime.state.projects()
        took = (time.monotonic() - started) * 1000
        yield Finding(subject="state", good=True, message=f"{len(names)} projects, opened in {took:.0f} ms")
    except TorneoError as error:
        yield Finding(subject="state", good=False, message=error.message, fix=error.fix or "")
        return
    yield from _warehouse(runtime)
    yield from _chains(runtime.state, names)
    for name in names:
        yield from _project(runtime, runtime.state, name)
    for stale in _stale(runtime.home / "work"):
        yield Finding(
            subject="work", good=False, message=f"{stale} was left by a run that died", fix=f"rm -r '{stale}'"
        )


def _warehouse(runtime: Runtime) -> Iterator[Finding]:
    if runtime.settings.warehouse is None and not (runtime.home / "warehouse.duckdb").exists():
        return
    try:
        loads = runtime.warehouse.read(RUNS).height
        yield Finding(subject="warehouse", good=True, message=f"{loads} loads recorded")
    except NotFoundError:
        yield Finding(subject="warehouse", good=True, message="it can be reached, and nothing is loaded yet")
    except TorneoError as error:
        yield Finding(subject="warehouse", good=False, message=error.message, fix=error.fix or "check TORNEO_WAREHOUSE")


def _chains(state: StateStore, names: Sequence[str]) -> Iterator[Finding]:
    """Whether what was written once, beside the decisions, is as it was written."""
    entries, whole = 0, True
    for name, stream in [(INSTALLATION, keys.STREAM), *((name, stream) for name in names for stream in STREAMS)]:
        try:
            entries += len(state.read(name, stream))
        except TorneoError as error:
            whole = False
            yield Finding(subject="records", good=False, message=error.message, fix=error.fix or "")
    if whole:
        yield Finding(subject="records", good=True, message=f"{entries} entries beside decisions, all chains hold")


def _project(runtime: Runtime, state: StateStore, name: str) -> Iterator[Finding]:
    try:
        entries = history(state, name)
        present = champion(state, name)
    except TorneoError as error:
        yield Finding(subject=f"project {name}", good=False, message=error.message, fix=error.fix or "")
        return
    if present is None:
        load = state.get(name, "load")
        yield Finding(subject=f"project {name}", good=True, message="no champion yet") if load is None else _load(load)
        return
    there = runtime.objects.exists(f"{present.bundle}/digests.json")
    yield Finding(
        subject=f"project {name}",
        good=there,
        message=f"{len(entries)} decisions, the chain holds; champion is version {present.number}"
        + ("" if there else ", but its bundle is gone"),
        fix="" if there else f"restore {present.bundle} in the object store, or run `torneo rollback {name}`",
    )


def _channels(found: Settings) -> Iterator[Finding]:
    """Variables that the channels of the projects here need, those of the current folder and those with a name."""
    for path in sorted({*Path().glob("project.yaml"), *found.projects.glob("*/project.yaml")}):
        try:
            project = load(path)
        except SpecError as error:
            first = error.mistakes[0].render(str(path)).splitlines()[0]
            yield Finding(subject="project.yaml", good=False, message=first, fix=f"torneo check {path} tells all")
            continue
        for message, fix in () if isinstance(project, LoadProject) else unset(project.watch.notify):
            yield Finding(subject=f"project {project.project}", good=False, message=message, fix=fix)


def _load(load: Mapping[str, Any]) -> Finding:
    name, told = load["project"], load["status"].replace("_", " ")
    if load["status"] != "stopped":
        return Finding(subject=f"project {name}", good=True, message=f"last load: {told}")
    return Finding(
        subject=f"project {name}",
        good=False,
        message=f"last load: {told}: {load['error'][:300]}",
        fix=f"mend what stopped it, then torneo run {name}",
    )


def _stale(work: Path) -> Iterator[Path]:
    from torneo.runtime import alive

    if work.is_dir():
        yield from (path for path in sorted(work.iterdir()) if not alive(path))
