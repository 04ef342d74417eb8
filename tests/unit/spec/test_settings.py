"""Settings come from the environment or from files that it names; a wrong one is told by name, a password never."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from torneo.errors import SettingsError, SourceError
from torneo.spec.settings import Settings, expand, settings, variable


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    found = Settings()
    assert (found.home, found.data, found.projects) == (Path(".torneo"), None, Path("projects"))
    assert found.jobs >= 1
    assert found.user == "unknown"


def test_a_setting_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORNEO_JOBS", "3")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert (settings().jobs, settings().tracking_uri) == (3, "http://mlflow:5000")
    monkeypatch.setenv("TORNEO_TRACKING_URI", "http://other")
    assert Settings().tracking_uri == "http://other"


def test_a_setting_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in (("TORNEO_JOBS", "5\n"), ("MLFLOW_TRACKING_URI", "http://a\r\n"), ("TORNEO_DATA", "/d e\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    assert (settings().jobs, settings().tracking_uri, settings().data) == (5, "http://a", Path("/d e"))


def test_the_value_goes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORNEO_JOBS", "2")
    (tmp_path / "jobs").write_text("3", encoding="utf-8")
    monkeypatch.setenv("TORNEO_JOBS_FILE", str(tmp_path / "jobs"))
    monkeypatch.setenv("USER", "ada")
    (tmp_path / "user").write_text("eve", encoding="utf-8")
    monkeypatch.setenv("TORNEO_USER_FILE", str(tmp_path / "user"))
    assert variable("TORNEO_JOBS") == "2"
    assert (settings().jobs, settings().user) == (2, "eve")


def test_files_of_others_are_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "user").write_text("eve", encoding="utf-8")
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME_FILE", str(tmp_path / "user"))
    assert settings().user == "ada"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TORNEO_JOBS", "many", "TORNEO_JOBS: Input should be a valid integer, unable to parse .*, not 'many'"),
        ("TORNEO_JOBS", "0", "TORNEO_JOBS: Input should be greater than or equal to 1, not '0'"),
        ("TORNEO_JOBS", "", "TORNEO_JOBS: Input should be .*, not ''"),
        ("TORNEO_SERVE__AUTH", "no", "TORNEO_SERVE__AUTH: Input should be 'on' or 'off', not 'no'"),
        ("TORNEO_SERVE__MAX_ROW", "5", r"TORNEO_SERVE__MAX_ROW: there is no .*mean 'TORNEO_SERVE__MAX_ROWS'"),
        (
            "TORNEO_SERVE__CORS",
            "https://a",
            r"TORNEO_SERVE__CORS: must be JSON, not 'https://a'\n  fix: .*\[\"https://",
        ),
        ("TORNEO_SERVE__CORS", "[5]", "TORNEO_SERVE__CORS: Input should be a valid string, not 5"),
    ],
)
def test_a_wrong_setting_is_told_with_its_name_and_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{told}"):
        settings()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "jobs"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("TORNEO_JOBS_FILE", str(path))
    with pytest.raises(SourceError, match=r"TORNEO_JOBS_FILE: .*jobs cannot be read: (No such|it is not UTF-8)"):
        settings()


def test_text_with_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "word").write_text("open sesame\n", encoding="utf-8")
    monkeypatch.setenv("WORD_FILE", str(tmp_path / "word"))
    monkeypatch.setenv("WHO", "ali")
    assert expand("db://${WHO}:${WORD}@host") == "db://ali:open sesame@host"
    with pytest.raises(SourceError, match=r"the environment variable NOBODY is not set\n  fix: set NOBODY, or NOBODY_"):
        expand("${NOBODY}")


def test_redis_is_named_by_a_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("rediss://:hunter2@redis:6379/0\n", encoding="utf-8")
    monkeypatch.setenv("TORNEO_REDIS_FILE", str(tmp_path / "redis"))
    assert settings().redis == "rediss://:hunter2@redis:6379/0"
    settings.cache_clear()
    monkeypatch.setenv("TORNEO_REDIS", "http://:hunter2@redis")
    with pytest.raises(SettingsError, match="TORNEO_REDIS: String should match pattern") as caught:
        settings()
    assert "hunter2" not in str(caught.value)
