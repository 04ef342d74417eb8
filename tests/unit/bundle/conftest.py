"""Fixtures of the bundle's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.bundle.making import Made, make


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make(tmp_path / "bundle")
