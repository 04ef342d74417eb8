"""The rights that the manual says an application needs."""

from __future__ import annotations

import re
from pathlib import Path

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "operations.md"


def grants(role: str) -> str:
    """The statements of the manual, for a role."""
    found = re.search(r"```sql\n(GRANT .*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"{MANUAL} has no GRANT"
    return found[1].replace("torneo_app", role)
