"""A project's own functions: what is run is what is digested, and what fails is told with its line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from torneo.errors import HookError
from torneo.hooks import Hooks, explained, load_hooks

FEATURES = "import polars as pl\n\n\ndef features(frame):\n    return frame.with_columns(twice=pl.col('a') * 2)\n"


def test_a_project_without_hooks(tmp_path: Path) -> None:
    hooks = load_hooks(tmp_path)
    assert hooks == Hooks()
    assert hooks.features is None
    assert hooks.digest("features") == "none"


def test_public_functions_of_the_file_are_found(tmp_path: Path) -> None:
    text = "from pathlib import Path\n\ndef a(): return 1\ndef _b(): return 2\nc = lambda: 3\nD = 4\n"
    (tmp_path / "checks.py").write_text(text, encoding="utf-8")
    hooks = load_hooks(tmp_path)
    assert set(hooks.functions["checks"]) == {"a", "c"}
    assert hooks.digest("checks") == hashlib.sha256(text.encode()).hexdigest()


def test_a_changed_file_is_read_again_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A compiled file beside it could be older than the text, of the same second and length."""
    path = tmp_path / "models.py"
    for number in range(3):
        path.write_text(f"def mine(): return {number}\n", encoding="utf-8")
        assert load_hooks(tmp_path).functions["models"]["mine"]() == number
    assert [each.name for each in tmp_path.iterdir()] == ["models.py"]


def test_a_hook_may_have_dataclasses(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    a: int\n"
    (tmp_path / "models.py").write_text(f"{text}def mine(): return A(1).a\n", encoding="utf-8")
    assert load_hooks(tmp_path).functions["models"]["mine"]() == 1


def test_projects_do_not_share_a_module(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "models.py").write_text(f"WHO = '{name}'\ndef mine(): return WHO\n", encoding="utf-8")
    hooks = [load_hooks(tmp_path / name) for name in "ab"]
    assert [each.functions["models"]["mine"]() for each in hooks] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def feature(frame): return frame", r"features\.py has no function `features`\n  fix: def features"),
        ("def features(frame:\n    return", r"features\.py:1: SyntaxError"),
        ("import polars\n\nimport no_such_module_at_all", r"features\.py:3: ModuleNotFoundError: No module named"),
        ("x = 1\n1 / 0", r"features\.py:2: ZeroDivisionError: division by zero"),
        ("def f():\n    raise ValueError('x' * 5000)\nf()", r"features\.py:2: ValueError: x{500}$"),
    ],
)
def test_a_file_that_cannot_be_loaded(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "features.py").write_text(text, encoding="utf-8")
    with pytest.raises(HookError, match=message):
        load_hooks(tmp_path)


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_bytes(b"# caf\xe9\n")
    with pytest.raises(HookError, match=r"features\.py:1: UnicodeDecodeError"):
        load_hooks(tmp_path)


def test_only_errors_are_explained(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="stop"), explained(tmp_path / "features.py"):
        raise KeyboardInterrupt("stop")
    with pytest.raises(HookError, match=r"^as it is$"), explained(tmp_path / "features.py"):
        raise HookError("as it is")
