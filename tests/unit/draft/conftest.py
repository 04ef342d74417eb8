"""Writes odd files, drafts them, and puts them through the real reader and the real gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from torneo.draft.project import Draft, draft
from torneo.engines.gate import gate
from torneo.sources.files import extract
from torneo.spec.load import parse, validate
from torneo.spec.project import Project
from torneo.spec.records import GateReport
from torneo.testing import SilentProgress

Gated = tuple[Draft, Project, GateReport]


def through_the_gate(path: Path, target: str, work: Path) -> Gated:
    """The draft of a file, its project, and what the gate says of the file's rows."""
    drafted = draft(path, target)
    project = validate(parse(drafted.text, "project.yaml"), Project)
    work.mkdir(parents=True, exist_ok=True)
    extract(project.source, [path.parent], work / "snapshot.parquet")
    report = gate(project, work / "snapshot.parquet", work, SilentProgress(), {})
    assert report.rows == report.accepted.rows + report.rejected.rows + report.left_out
    return drafted, project, report


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of text or bytes."""

    def write(content: str | bytes, name: str = "data.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def gated(tmp_path: Path) -> Callable[[Path, str], Gated]:
    """Drafts a file and gates it."""
    return lambda path, target: through_the_gate(path, target, tmp_path / "work")
