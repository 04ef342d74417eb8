"""Names that the contract does not have, however many there are, and long values."""

from __future__ import annotations

import pytest

from torneo.serving import inputs
from torneo.serving.inputs import MOST, Decoder
from torneo.spec.columns import Column

NUMBER = Column(type="float", min=0, max=100)
COLOUR = Column(type="category", values=("red", "green"))


def decoder(**columns: Column) -> Decoder:
    return Decoder(columns, frozenset())


def test_many_unknown_names_and_long_values_cost_and_say_little() -> None:
    row = {f"name {number}": 1 for number in range(100_000)}
    findings = decoder(x=NUMBER).decode([row]).findings
    assert len(findings) == MOST
    [finding] = decoder(x=NUMBER).decode([{"x": ["x" * 100_000]}]).findings
    assert len(finding.message) < 200
    assert len(decoder(x=COLOUR).decode([{"x": "x" * 100_000}]).findings[0].message) < 200


def test_only_the_first_unknown_names_of_a_request_are_compared_with_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(inputs, "nearest", lambda name, known: asked.append(name) or f" ({name} of {len(known)})")
    rows = [{f"n{number:02}": 1 for number in range(99, -1, -1)}] * 2000
    findings = decoder(xyz=NUMBER).decode([{f"n{number % 3}": 1} for number in range(30)] + rows).findings
    assert len(findings) == 30 + 200_000
    assert asked == ["n0", "n1", "n2", *(f"n{number:02}" for number in range(70))]
    assert [finding.message.endswith(" of 1)") for finding in findings[:102]] == [True] * 100 + [False] * 2
    asked.clear()
    wide = {f"column {number}": NUMBER for number in range(2000)}
    decoder(**wide).decode([{"n" * 10_000: 1, **rows[0]}])
    assert len(asked) == 5
