"""The real command line in processes of its own, with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from torneo.cli import Exit
from torneo.stores.clock import SystemClock
from torneo.stores.state import SqlState

ROOT = Path(__file__).resolve().parents[2]
TORNEO = Path(sys.executable).with_name("torneo")
PATIENCE = 1200.0
"""Seconds after which a command hangs rather than works."""


@dataclass(frozen=True)
class Done:
    """What a command said."""

    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        """Its standard output."""
        return json.loads(self.out)

    @property
    def report(self) -> Any:
        """The one report of `torneo run --json`."""
        [report] = self.json
        return report


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a command: nothing of the machine's own settings."""
    return {**os.environ, "TORNEO_HOME": str(home), "TORNEO_USER": "tester", "PYTHONWARNINGS": "default", **more}


def start(*arguments: str, home: Path, cwd: Path = ROOT, **more: str) -> subprocess.Popen[str]:
    """Start a command and let it go on."""
    return subprocess.Popen(
        [str(TORNEO), *arguments],
        cwd=cwd,
        env=environment(home, **more),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def torneo(*arguments: str, home: Path, cwd: Path = ROOT, expect: Exit = Exit.OK, **more: str) -> Done:
    """Run a command to its end, which must be the expected one."""
    started = time.monotonic()
    process = start(*arguments, home=home, cwd=cwd, **more)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == expect, (
        f"torneo {' '.join(arguments)}: {process.returncode}\n{out[-2000:]}{err[-4000:]}"
    )
    return Done(out, err, time.monotonic() - started)


def state(home: Path) -> SqlState:
    """The state of a home."""
    return SqlState(f"sqlite:///{home / 'state.db'}", SystemClock())


def write_project(folder: Path, **parts: Any) -> Path:
    """A folder with a project on scikit-learn's diabetes set; `parts` replace those of the repository's project."""
    declared = yaml.safe_load((ROOT / "projects" / "diabetes" / "project.yaml").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(declared | parts, allow_unicode=True, sort_keys=False)
    (folder / "project.yaml").write_text(text, encoding="utf-8")
    return folder
