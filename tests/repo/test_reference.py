"""docs/reference says what the code says."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest

from repo.repository import ROOT, tracked_texts


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("page", GENERATOR.PAGES)
def test_the_reference_is_up_to_date(page: str) -> None:
    assert (GENERATOR.REFERENCE / page).read_text(encoding="utf-8") == GENERATOR.PAGES[page](), "make docs"


@pytest.mark.parametrize("page", GENERATOR.PAGES)
def test_everything_says_what_it_means(page: str) -> None:
    undocumented = [
        line for line in GENERATOR.PAGES[page]().splitlines() if line.startswith("| `") and "|  |" in line[-6:]
    ]
    assert undocumented == []


def test_the_commands_that_pages_name_exist() -> None:
    commands = set(re.findall(r"^## torneo ([a-z]+)", GENERATOR.PAGES["cli.md"](), flags=re.MULTILINE))
    named = {
        (page, command)
        for page, text in tracked_texts().items()
        if page.endswith(".md")
        for command in re.findall(r"(?:^|`)torneo ([a-z]+)", text, flags=re.MULTILINE)
    }
    assert len(commands) >= 12
    assert {(page, command) for page, command in named if command not in commands} == set()
