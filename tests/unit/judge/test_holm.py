"""Holm's correction against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torneo.judge.holm import holm

shares = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(shares, st.floats(0.001, 0.5))
def test_rejects_as_the_step_down_procedure(p_values: list[float], level: float) -> None:
    rejected = set()
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if (len(p_values) - rank) * p_values[index] >= level:
            break
        rejected.add(index)
    assert {index for index, p in enumerate(holm(p_values)) if p < level} == rejected


@given(shares)
def test_never_makes_proof_stronger_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
    assert all(after <= 1 for after in adjusted)
    ranked = sorted(zip(p_values, adjusted, strict=True))
    assert [after for _, after in ranked] == sorted(adjusted)


def test_of_none() -> None:
    assert holm([]) == ()
