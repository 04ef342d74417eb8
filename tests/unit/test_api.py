"""The same as the command line, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

import small
import torneo
from torneo.errors import ConflictError, NotFoundError
from torneo.spec.settings import settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TORNEO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORNEO_JOBS", "1")
    settings.cache_clear()
    colour = pl.when(pl.col("id") == 5).then(pl.lit("blue")).otherwise("colour").alias("colour")
    small.table(120).with_columns(colour).write_csv(tmp_path / "data.csv")
    body = small.project().model_dump(mode="json", exclude_unset=True)
    (tmp_path / "project.yaml").write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")
    yield tmp_path
    settings.cache_clear()


def test_before_the_first_run_there_is_nothing(folder: Path) -> None:
    project = torneo.Project.load(folder)
    assert (project.name, project.champion(), list(project.history()), list(project.versions())) == (
        "small",
        None,
        [],
        [],
    )
    with pytest.raises(NotFoundError, match="the gate of small has not run yet\n  fix: torneo run small"):
        project.quarantine()
    with pytest.raises(NotFoundError, match="small has not been ingested yet"):
        project.snapshot()


def test_a_run_and_what_it_leaves(folder: Path) -> None:
    project = torneo.Project.load(folder)
    report = project.run()
    assert [step.status for step in report.steps] == ["ran"] * 5
    champion = project.champion()
    assert champion is not None
    assert (champion.number, champion.digest) == (1, report.results["train:line"]["bundle"]["digest"])
    assert [version.aliases for version in project.versions()] == [("champion",)]
    assert pl.read_parquet(project.quarantine())["id"].to_list() == ["5"]
    assert project.retry().reasons == {"unknown_colour": 1}
    assert pl.read_parquet(project.snapshot()).height == 120
    with pytest.raises(ConflictError, match="version 1 of small is champion already"):
        project.promote(1, "again")
    assert torneo.Project.load(folder / "project.yaml").run().unchanged


def test_a_check_tells_of_channels_that_could_tell_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_URL", raising=False)
    with (folder / "project.yaml").open("a", encoding="utf-8") as file:
        file.write("watch: {notify: [{slack: '${SLACK_URL}'}]}\n")
    assert torneo.Project.load(folder).check()[-1] == (
        "mind: watch.notify: nobody can be told by slack: the environment variable SLACK_URL is not set; "
        "set SLACK_URL, or SLACK_URL_FILE to a file with its value"
    )
