"""A load with four rows, two of which are in the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from coins import Coins


@pytest.fixture
def coins(tmp_path: Path) -> Coins:
    made = Coins(tmp_path / "coins")
    made.write("AR,5/1/2026,2.5,3", "BR,4/1/2026,1.0001,0.00000001", "MX,31/12/2025,1,1", "AR,6/1/2026,1,1")
    return made
