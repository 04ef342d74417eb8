"""The command line within the test's own process: a project in a folder, and what commands there say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import small
from torneo.cli import main
from torneo.spec.settings import settings


class Place:
    """A project in a folder, and what commands there say."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self.folder, self.monkeypatch, self.captured = folder, monkeypatch, captured

    def spec(self, **parts: object) -> None:
        body = small.project().model_dump(mode="json", exclude_unset=True)
        (self.folder / "project.yaml").write_text(yaml.safe_dump({**body, **parts}, sort_keys=False), encoding="utf-8")

    def says(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        settings.cache_clear()
        self.monkeypatch.setattr("sys.argv", ["torneo", *arguments])
        with pytest.raises(SystemExit, match=r"\d*") as left:
            main()
        said = self.captured.readouterr()
        return int(left.value.code or 0), said.out, said.err
