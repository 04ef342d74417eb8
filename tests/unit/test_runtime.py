"""Settings become adapters, projects are found, and code has a digest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import small
from torneo import runtime
from torneo.errors import NotFoundError, UnavailableError
from torneo.runtime import Runtime, alive, code_digest, find
from torneo.spec.settings import Settings
from torneo.testing import SilentProgress
from torneo.testing.small_log import prediction


def test_projects_are_found_by_name_folder_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("projects/ads", "other", "."):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / "project.yaml").touch()
    (tmp_path / "my.yml").touch()
    found = Settings()
    assert find(found, "ads") == Path("projects/ads/project.yaml")
    assert find(found, "other") == Path("other/project.yaml")
    assert find(found, "other/project.yaml") == Path("other/project.yaml")
    assert find(found, "my.yml") == Path("my.yml")
    assert find(found, None) == Path("project.yaml")
    assert find(Settings(projects=tmp_path), "other") == tmp_path / "other" / "project.yaml"
    with pytest.raises(
        NotFoundError, match=r"projects/sales/project\.yaml or sales/project\.yaml; projects here: ads\n"
    ):
        find(found, "sales")


def test_a_context_leaves_nothing_and_clears_up_after_the_dead(tmp_path: Path) -> None:
    opened = Runtime(Settings(home=tmp_path / "home", jobs=1))
    scratch = tmp_path / "home" / "work"
    dead, living = scratch / "small@999999999@x", scratch / f"small@{os.getpid()}@x"
    for folder in (dead, living):
        folder.mkdir(parents=True)
    with opened.context(small.project(), tmp_path, SilentProgress()) as context:
        assert context.work.is_dir()
        (context.work / "file").touch()
        work = context.work
    assert not work.exists()
    assert not dead.exists()
    assert living.exists()


@pytest.mark.parametrize(("name", "lives"), [("p@1@x", True), ("p@999999999@x", False), ("p@x@y", False), ("p", False)])
def test_who_lives(name: str, lives: bool) -> None:
    assert alive(Path(name)) is lives


def test_data_is_looked_up_beside_the_project_first(tmp_path: Path) -> None:
    assert list(Runtime(Settings(data=Path("/data"))).folders(tmp_path)) == [tmp_path, Path("/data")]
    assert list(Runtime(Settings()).folders(tmp_path)) == [tmp_path]


def test_the_code_s_digest_covers_what_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = code_digest()
    assert whole == code_digest()
    root = Path(runtime.__file__).parent
    for name in runtime.DECIDING:
        assert (root / name).exists()
        monkeypatch.setattr(runtime, "DECIDING", tuple(each for each in runtime.DECIDING if each != name))
        assert code_digest() != whole, name
        monkeypatch.undo()


def test_a_home_that_is_made_is_its_owner_s_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    made = Runtime(Settings(home=tmp_path / "a" / "home"))
    assert made.secret
    assert (made.home.stat().st_mode & 0o777, (made.home / "pii.key").stat().st_mode & 0o777) == (0o700, 0o600)
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "shared").chmod(0o755)
    assert Runtime(Settings(home=tmp_path / "shared")).home.stat().st_mode & 0o777 == 0o755


def test_state_and_predictions_are_where_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Runtime(Settings(home=tmp_path / "home"))
    home.state.put("p", "x", {})
    home.predictions.append([prediction(1)])
    assert {path.name for path in (tmp_path / "home").glob("*.db")} == {"state.db", "predictions.db"}

    monkeypatch.setenv("SECRET", "s3cret")
    away = Runtime(Settings(home=tmp_path / "other", state="postgresql://me:${SECRET}@127.0.0.1:9/x"))
    with pytest.raises(UnavailableError, match=r"^postgresql://me@127.0.0.1:9/x: cannot connect") as caught:
        away.state.projects()
    assert "s3cret" not in str(caught.value)
    with pytest.raises(UnavailableError, match=r"^postgresql://me@127.0.0.1:9/x: cannot connect"):
        away.predictions.append([prediction(1)])
