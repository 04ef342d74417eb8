"""A model registry in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torneo.errors import NotFoundError
from torneo.ports import Clock, TrackedRun, Version


class MemoryRegistry:
    """A registry that lasts as long as the process; it keeps what it is told, and no files."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.runs: dict[str, TrackedRun] = {}
        """What was tracked, by run id."""
        self._versions: dict[str, list[Version]] = {}
        self._aliases: dict[str, dict[str, int]] = {}

    def track(self, run: TrackedRun, artifacts: Path | None) -> str:
        """Record a run; gives the run's id."""
        if artifacts is not None and not artifacts.is_dir():
            raise NotFoundError(f"there is no folder {artifacts}")
        for run_id, present in self.runs.items():
            if (present.project, present.key) == (run.project, run.key):
                return run_id
        run_id = f"run-{len(self.runs) + 1}"
        self.runs[run_id] = run
        return run_id

    def register(self, project: str, bundle: Path, *, key: str, digest: str, challenger: str, run_id: str) -> Version:
        """Make a bundle a version; the same digest again gives back the version that is there."""
        for version in self.versions(project):
            if version.digest == digest:
                return version
        if run_id not in self.runs:
            raise NotFoundError(f"there is no run {run_id!r}")
        if not bundle.is_dir():
            raise NotFoundError(f"there is no folder {bundle}")
        present = self._versions.setdefault(project, [])
        created = self._clock.now()
        present.append(
            Version(
                number=len(present) + 1,
                bundle=key,
                digest=digest,
                challenger=challenger,
                run_id=run_id,
                created=created,
            )
        )
        return present[-1]

    def versions(self, project: str) -> Sequence[Version]:
        """All versions, oldest first."""
        aliases = self._aliases.get(project, {})
        return [
            version.model_copy(
                update={"aliases": tuple(sorted(name for name, number in aliases.items() if number == version.number))}
            )
            for version in self._versions.get(project, [])
        ]

    def set_alias(self, project: str, alias: str, number: int | None) -> None:
        """Point an alias at a version; None removes it."""
        aliases = self._aliases.setdefault(project, {})
        if number is None:
            aliases.pop(alias, None)
        elif not 1 <= number <= len(self._versions.get(project, [])):
            raise NotFoundError(f"{project} has no version {number}")
        else:
            aliases[alias] = number
