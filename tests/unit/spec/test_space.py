from __future__ import annotations

import pytest

from torneo.spec.space import Choice, Float, Int


def test_bounds_are_checked() -> None:
    with pytest.raises(ValueError, match="low 2 must be smaller than high 1"):
        Float(2, 1)
    with pytest.raises(ValueError, match="low 0 must be above 0 for a logarithm"):
        Int(0, 5, log=True)
    with pytest.raises(ValueError, match="at least one value"):
        Choice(())
