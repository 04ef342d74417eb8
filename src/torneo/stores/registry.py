"""Runs and versions in MLflow: embedded (SQLite and a folder), or on a server. The only importer of mlflow.

A version is an MLflow pyfunc model whose loader is one file without Torneo and without pickles, so that
`mlflow.pyfunc.load_model("models:/housing@champion")` works wherever MLflow and ONNX Runtime are installed.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from torneo.errors import NotFoundError
from torneo.ports import TrackedRun, Version
from torneo.stores import mlflow_model, mlflow_run
from torneo.stores.mlflow_client import open_client, talking

BUNDLE, CHALLENGER, DIGEST, KEY = "torneo.bundle", "torneo.challenger", "torneo.digest", "torneo.key"


class MlflowRegistry:
    """A model registry in MLflow: experiments and registered models have the project's name.

    `home` is where the embedded store keeps `mlflow.db` and `mlartifacts`; `tracking_uri` names a server instead.
    `loader` is the file that scores a bundle in a plain MLflow environment. Nothing is opened until it is used.
    """

    def __init__(self, home: Path, tracking_uri: str | None = None, *, loader: Path | None = None) -> None:
        self._home = home.absolute()
        self._server = tracking_uri
        self._loader = mlflow_model.LOADER if loader is None else loader

    def track(self, run: TrackedRun, artifacts: Path | None) -> str:
        """Record a run with the files in a folder; gives the run's id. A key that is there is not recorded again.

        Raises:
            UnavailableError: the store or the server does not answer.
            NotFoundError: the folder is not there.
        """
        _must_exist(artifacts)
        with talking(self._where):
            experiment = self._experiment(run.project)
            for present in self._client.search_runs([experiment], f"tags.`{KEY}` = {_quoted(run.key)}"):
                if present.info.status == "FINISHED":
                    return str(present.info.run_id)
                self._client.delete_run(present.info.run_id)  # what a killed process has left
            run_id = str(self._client.create_run(experiment, tags={KEY: run.key}, run_name=run.name).info.run_id)
            mlflow_run.log(self._client, run_id, run)
            if artifacts is not None:
                self._client.log_artifacts(run_id, str(artifacts))
            self._client.set_terminated(run_id)
        return run_id

    def register(self, project: str, bundle: Path, *, key: str, digest: str, challenger: str, run_id: str) -> Version:
        """Make a bundle a version; the same digest again gives back the version that is there.

        Raises:
            UnavailableError: the store or the server does not answer.
            NotFoundError: the run or the folder is not there.
        """
        for version in self.versions(project):
            if version.digest == digest:
                return version
        _must_exist(bundle)
        with talking(self._where):
            artifacts = self._client.get_run(run_id).info.artifact_uri
            with mlflow_model.as_pyfunc(bundle, self._loader) as folder:
                self._client.log_artifacts(run_id, str(folder), mlflow_model.FOLDER)
            tags = {BUNDLE: key, DIGEST: digest, CHALLENGER: challenger, **mlflow_model.digests(bundle)}
            self._make_registered_model(project)
            made = self._client.create_model_version(
                project, f"{artifacts}/{mlflow_model.FOLDER}", run_id=run_id, tags=tags, await_creation_for=30
            )
            return _version(made, {})

    def versions(self, project: str) -> Sequence[Version]:
        """All versions that Torneo registered, oldest first.

        Raises:
            UnavailableError: the store or the server does not answer.
        """
        with talking(self._where):
            found: list[Any] = []
            token: str | None = ""
            while token is not None:
                page = self._client.search_model_versions(f"name = {_quoted(project)}", page_token=token or None)
                found.extend(version for version in page if DIGEST in version.tags)
                token = page.token or None
            if not found:
                return []
            aliases = self._client.get_registered_model(project).aliases
        return sorted((_version(version, aliases) for version in found), key=lambda version: version.number)

    def set_alias(self, project: str, alias: str, number: int | None) -> None:
        """Point an alias at a version, atomically; None removes it.

        Raises:
            UnavailableError: the store or the server does not answer.
            NotFoundError: there is no such version.
        """
        known = self.versions(project)
        with talking(self._where):
            if number is not None:
                if number not in {version.number for version in known}:
                    there = ", ".join(str(version.number) for version in known[-20:]) or "none"
                    raise NotFoundError(f"{project} has no version {number} (there are: {there})")
                self._client.set_registered_model_alias(project, alias, str(number))
            elif any(alias in version.aliases for version in known):
                self._client.delete_registered_model_alias(project, alias)

    @cached_property
    def _client(self) -> Any:
        return open_client(self._home, self._server)

    @property
    def _where(self) -> str:
        return self._server or str(self._home / "mlflow.db")

    def _experiment(self, project: str) -> str:
        present = self._client.get_experiment_by_name(project)
        if present is not None:
            return str(present.experiment_id)
        location = None if self._server else (self._home / "mlartifacts" / project).as_uri()
        return str(self._client.create_experiment(project, artifact_location=location))

    def _make_registered_model(self, project: str) -> None:
        if not self._client.search_registered_models(f"name = {_quoted(project)}"):
            self._client.create_registered_model(project)


def _version(version: Any, aliases: dict[str, Any]) -> Version:
    return Version(
        number=int(version.version),
        bundle=version.tags[BUNDLE],
        digest=version.tags[DIGEST],
        challenger=version.tags[CHALLENGER],
        run_id=version.run_id,
        created=datetime.datetime.fromtimestamp(version.creation_timestamp / 1000, datetime.UTC),
        aliases=tuple(sorted(alias for alias, number in aliases.items() if int(number) == int(version.version))),
    )


def _quoted(text: str) -> str:
    """A text as MLflow's filters read it; they know no escapes."""
    mark = '"' if "'" in text else "'"
    return f"{mark}{text}{mark}"


def _must_exist(folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}")
