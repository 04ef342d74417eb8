"""The composition root: settings become adapters here, and nowhere else."""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torneo.errors import ConflictError, NotFoundError, SettingsError
from torneo.hooks import load_hooks
from torneo.ports import (
    Clock,
    Engine,
    ModelRegistry,
    ObjectStore,
    PredictionLog,
    Progress,
    RefusalLog,
    StateStore,
    Warehouse,
)
from torneo.spec.load import load
from torneo.spec.loading import AnyProject, LoadProject
from torneo.spec.project import Project
from torneo.spec.records import Snapshot, Table, file_digest
from torneo.spec.settings import Settings, expand
from torneo.spec.source import Source
from torneo.spec.tables import Window
from torneo.stages.context import Context, LoadContext

if TYPE_CHECKING:
    from torneo.stores.prediction_log_sql import SqlPredictionLog

DECIDING = (
    "bundle", "checks", "engines", "hooks.py", "learn", "judge", "metrics.py", "models", "sources", "spec", "stages",
)  # fmt: skip
"""The modules whose code decides results; a change there makes every step run again."""
LIBRARIES = (
    "lightgbm", "narwhals", "numpy", "onnx", "onnxmltools", "onnxruntime", "optuna", "pandas", "polars", "scikit-learn",
    "scipy", "shap", "skl2onnx", "xgboost-cpu",
)  # fmt: skip
"""The libraries whose versions decide results; one that is not installed decides none."""


@dataclass(frozen=True)
class Runtime:
    """The adapters of one installation, opened when first used."""

    settings: Settings

    @cached_property
    def home(self) -> Path:
        """The folder of state, objects and registry; where it is made, for its owner alone: personal data is in it.

        Raises:
            SettingsError: it cannot be made.
        """
        home = self.settings.home.absolute()
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            fix = "set TORNEO_HOME to a folder that can be written"
            raise SettingsError(f"TORNEO_HOME: {home} cannot be made: {error.strerror}", fix=fix) from None
        return home

    @cached_property
    def objects(self) -> ObjectStore:
        """Files and artefacts."""
        from torneo.stores.objects import open_objects

        return open_objects(self.settings.objects or self.home / "objects", self.home / "cache")

    @cached_property
    def state(self) -> StateStore:
        """Runs, decisions and locks."""
        from torneo.stores.state import SqlState

        given = self.settings.state
        return SqlState(f"sqlite:///{self.home / 'state.db'}" if given is None else expand(given), self.clock)

    @cached_property
    def predictions(self) -> PredictionLog:
        """Answered predictions and their outcomes."""
        return self._prediction_log()

    @cached_property
    def refusals(self) -> RefusalLog:
        """How many requests were refused; beside the predictions."""
        return self._prediction_log()

    def _prediction_log(self) -> SqlPredictionLog:
        from torneo.stores.prediction_log import open_prediction_log

        given = self.settings.state
        return open_prediction_log(self.home / "predictions.db" if given is None else expand(given))

    @cached_property
    def secret(self) -> bytes:
        """The key of the hashes of personal data."""
        from torneo.stores.secret import installation_secret

        return installation_secret(self.settings.pii_secret, self.home / "pii.key")

    @cached_property
    def registry(self) -> ModelRegistry:
        """Experiments and versions."""
        from torneo.stores.registry import MlflowRegistry

        return MlflowRegistry(self.home, self.settings.tracking_uri)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The database that loads write to."""
        from torneo.stores.warehouse import open_warehouse

        given = self.settings.warehouse
        return open_warehouse(self.home / "warehouse.duckdb" if given is None else expand(given))

    @cached_property
    def engine(self) -> Engine:
        """Where the computing happens."""
        from torneo.engines.local import LocalEngine

        return LocalEngine(self.settings.jobs)

    @cached_property
    def clock(self) -> Clock:
        """The system's clock."""
        from torneo.stores.clock import SystemClock

        return SystemClock()

    @property
    def owner(self) -> str:
        """Who this process is, for locks."""
        return f"{self.settings.user}@{socket.gethostname()}:{os.getpid()}"

    def folders(self, folder: Path) -> Sequence[Path]:
        """Where data files of a project are looked up."""
        return [folder, self.settings.data] if self.settings.data else [folder]

    @contextmanager
    def context(self, project: Project, folder: Path, progress: Progress) -> Iterator[Context]:
        """A project that trains at work, with a folder for its files that is removed afterwards."""
        with self._at_work(project, folder, progress) as parts:
            yield Context(project=project, registry=self.registry, **parts)

    @contextmanager
    def load_context(
        self, project: LoadProject, folder: Path, progress: Progress, window: Window | None
    ) -> Iterator[LoadContext]:
        """A project that loads at work, for the days of a window."""
        with self._at_work(project, folder, progress) as parts:
            yield LoadContext(project=project, warehouse=self.warehouse, window=window, **parts)

    @contextmanager
    def scratch(self, project: str) -> Iterator[Path]:
        """An empty folder for files of a project, which is removed afterwards; those of dead processes are, too.

        Raises:
            ConflictError: the disk is full.
        """
        scratch = self.home / "work"
        scratch.mkdir(exist_ok=True)
        for stale in (path for path in scratch.glob(f"{project}@*") if not alive(path)):
            shutil.rmtree(stale, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f"{project}@{os.getpid()}@", dir=scratch))
        try:
            yield work
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ConflictError(
                f"{scratch}: {os.strerror(error.errno)} (nothing is half done)",
                fix="free space on the disk of TORNEO_HOME, and run again: it goes on where it stopped",
            ) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    @contextmanager
    def _at_work(self, project: AnyProject, folder: Path, progress: Progress) -> Iterator[dict[str, Any]]:
        """What all contexts have; the folder for files is removed afterwards."""
        from torneo.sources import fingerprint, read

        folders = self.folders(folder)

        def read_source(source: Source, target: Path) -> Snapshot:
            reading = read(source, folders, target)
            table = Table(key="", digest=file_digest(target), rows=reading.rows)
            return Snapshot(
                table=table,
                source=reading.source,
                file=reading.file,
                fingerprint=reading.fingerprint,
                columns=reading.columns,
                unmatched=reading.unmatched,
            )

        with self.scratch(project.project) as work:
            yield {
                "folder": folder,
                "hooks": load_hooks(folder),
                "objects": self.objects,
                "state": self.state,
                "engine": self.engine,
                "clock": self.clock,
                "progress": progress,
                "read": read_source,
                "fingerprint": lambda source: fingerprint(source, folders),
                "work": work,
                "jobs": self.settings.jobs,
                "user": self.settings.user,
                "owner": self.owner,
                "code": code_digest(),
                "tags": _surroundings(folder),
            }


def alive(work: Path) -> bool:
    """Whether the process that a work folder is named after still lives."""
    number = work.name.split("@")[1] if work.name.count("@") >= 2 else ""
    if not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def find(settings: Settings, where: str | None) -> Path:
    """The project file for a name, a folder, a file, or (None) the current folder.

    Raises:
        NotFoundError: there is none; the message lists where it was looked for and the projects there are.
    """
    if where is None:
        tried = [Path("project.yaml")]
    else:
        tried = [settings.projects / where / "project.yaml", Path(where) / "project.yaml"]
        if where.endswith((".yaml", ".yml")):
            tried = [Path(where)]
    for path in tried:
        if path.is_file():
            return path
    known = sorted(path.parent.name for path in settings.projects.glob("*/project.yaml"))
    there = f"; projects here: {', '.join(known)}" if known else ""
    raise NotFoundError(
        f"there is no project file {' or '.join(str(path) for path in tried)}{there}",
        fix="torneo init data.csv --target COLUMN drafts one",
    )


def open_project(settings: Settings, where: str | None) -> tuple[AnyProject, Path]:
    """Load a project and its folder."""
    path = find(settings, where)
    return load(path), path.parent


def code_digest() -> str:
    """The digest of the code and the libraries that decide results."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(
        file for name in DECIDING for file in ([root / name] if "." in name else (root / name).rglob("*.py"))
    ):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    for name in LIBRARIES:
        digest.update(f"{name}={_version(name)}".encode())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _surroundings(folder: Path) -> dict[str, str]:
    git = shutil.which("git")
    if git is None:
        return {}
    answer = subprocess.run(  # noqa: S603 - a fixed command
        [git, "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=False
    )
    return {"mlflow.source.git.commit": answer.stdout.strip()} if answer.returncode == 0 else {}
