"""Frozen records and shares."""

from __future__ import annotations

import time

import pytest
from pydantic import TypeAdapter, ValidationError

from torneo.spec.frozen import Frozen, OpenShare, Place, Share, nearest, refuse, shortened


class Point(Frozen):
    x: int = 0


def test_a_record_cannot_change_and_has_no_other_keys() -> None:
    point = Point(x=1)
    with pytest.raises(ValidationError, match="Instance is frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Point.model_validate({"x": 1, "y": 2})


@pytest.mark.parametrize(("written", "share"), [("20%", 0.2), (" 2.5 % ", 0.025), (0.2, 0.2), (0, 0.0), ("100%", 1.0)])
def test_a_share(written: str | float, share: float) -> None:
    assert TypeAdapter(Share).validate_python(written) == pytest.approx(share)


@pytest.mark.parametrize("written", ["20", "x%", True, "%", None, [1], "120%", -0.1, float("nan")])
def test_what_is_no_share(written: object) -> None:
    with pytest.raises(ValidationError, match=r"expected a share|valid number|less than|greater than"):
        TypeAdapter(Share).validate_python(written)


@pytest.mark.parametrize("written", ["0%", "100%", 0, 1])
def test_an_open_share_is_neither_nothing_nor_all(written: object) -> None:
    with pytest.raises(ValidationError, match=r"less than 1|greater than 0"):
        TypeAdapter(OpenShare).validate_python(written)


def test_refuse_tells_all_mistakes() -> None:
    refuse([])
    mistakes: list[tuple[Place, str]] = [(("a", 1), "no"), (("b",), "neither")]
    with pytest.raises(ValueError, match=r"^a\.1: no; b: neither$"):
        refuse(mistakes)


def test_values_in_messages_are_short() -> None:
    assert shortened("a") == "'a'"
    assert shortened(5) == "5"
    assert len(shortened("x" * 10_000)) < 100
    assert nearest("zzz", ["Age"]) == ""


def test_a_name_that_is_asked_for_again_or_is_long_costs_little() -> None:
    known = [f"column_{number}" for number in range(200)]
    started = time.process_time()
    for _ in range(5_000):
        assert nearest("columm_7", known) == " (did you mean 'column_7'?)"
    for number in range(5):
        nearest(f"{number}" * 1_000_000, known)
    assert time.process_time() - started < 2
