"""What the tests of this folder look at: the tracked files, and the package's syntax trees."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked_texts() -> dict[str, str]:
    """The text of every tracked file that is there, by its path from the root; binary files are left out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    texts = {}
    for name in filter(None, listed.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in content:
            texts[name] = content.decode("utf-8", errors="replace")
    return texts


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of every tracked Python file, by its path from the root."""
    return {name: ast.parse(text) for name, text in tracked_texts().items() if name.endswith(".py")}


def package() -> dict[str, ast.Module]:
    """The modules of torneo itself."""
    return {name: tree for name, tree in modules().items() if name.startswith("src/")}
