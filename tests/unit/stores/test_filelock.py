from __future__ import annotations

from pathlib import Path

import pytest

from torneo.errors import UnavailableError
from torneo.stores.filelock import file_lock


def test_one_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "x.lock"
    with (
        file_lock(file),
        pytest.raises(UnavailableError, match=r"x.lock has been locked by another process for 0.1 s[\s\S]*fuser"),
        file_lock(file, seconds=0.1),
    ):
        pass
    with file_lock(file, seconds=0):
        pass
