from __future__ import annotations

import datetime
import importlib.metadata
import sys
from types import ModuleType
from typing import Any

import narwhals as nw
import polars as pl
import pytest

from torneo import plugins
from torneo.checks import function_checks, plan, present
from torneo.errors import GateError, HookError
from torneo.spec.columns import Contract


def contract(columns: dict[str, Any], **more: Any) -> Contract:
    return Contract.model_validate({"columns": columns, **more})


def passes(declared: Contract, frame: pl.DataFrame) -> dict[str, list[bool | None]]:
    flags = [pl.col(name).is_not_null().alias(present(name)) for name in declared.columns]
    checks = plan(declared)
    result = nw.from_native(frame.with_columns(flags)).select(check.expression.alias(check.name) for check in checks)
    return {check.name: result[check.name].to_list() for check in checks}


def test_reasons_come_in_the_order_of_the_contract() -> None:
    declared = contract(
        {
            "b": {"type": "int", "values": [1, 2], "above": 0, "below": 9, "min": 1, "max": 8},
            "a": {"type": "text", "nullable": True, "pattern": "x+", "rules": {"length": 2}},
        },
        checks={"odd": "b % 2 == 1"},
    )
    assert [check.name for check in plan(declared)] == [
        "invalid_b", "missing_b", "below_min_b", "above_max_b", "not_above_b", "not_below_b", "unknown_b",
        "invalid_a", "malformed_a", "length_a", "odd",
    ]  # fmt: skip


def test_each_rule_is_true_false_or_unknown() -> None:
    declared = contract({"x": {"type": "int", "min": 1, "max": 3, "above": 1, "below": 3, "nullable": True}})
    found = passes(declared, pl.DataFrame({"x": [0, 1, 2, 3, 4, None]}))
    assert found == {
        "invalid_x": [True] * 6,
        "below_min_x": [False, True, True, True, True, None],
        "above_max_x": [True, True, True, True, False, None],
        "not_above_x": [False, False, True, True, True, None],
        "not_below_x": [True, True, True, False, False, None],
    }


@pytest.mark.parametrize("many", [3, 40])
def test_values_and_null(many: int) -> None:
    declared = contract({"x": {"type": "category", "values": list(range(many)), "nullable": True}})
    assert passes(declared, pl.DataFrame({"x": ["1", "05", None]}))["unknown_x"] == [True, False, None]


def test_values_of_numbers_are_compared_as_numbers() -> None:
    declared = contract({"x": {"type": "int", "values": [1, "2"]}})
    assert passes(declared, pl.DataFrame({"x": [1, 2, 3]}))["unknown_x"] == [True, True, False]


def test_a_day_is_midnight_for_a_moment() -> None:
    declared = contract({"at": {"type": "datetime", "max": datetime.date(2024, 1, 2)}})
    moments = [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 2, 0, 0, 1)]
    assert passes(declared, pl.DataFrame({"at": moments}))["above_max_at"] == [True, False]


def test_a_bound_with_a_zone_is_in_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    declared = contract({"at": {"type": "datetime", "min": datetime.datetime(2024, 1, 2, 2, tzinfo=zone)}})
    moments = [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 1, 23, 59)]
    assert passes(declared, pl.DataFrame({"at": moments}))["below_min_at"] == [True, False]


def test_an_unknown_rule_is_named_with_its_nearest() -> None:
    with pytest.raises(GateError, match=r"contract.columns.x.rules.lenght: there is no check 'lenght' .*'length'"):
        plan(contract({"x": {"type": "text", "rules": {"lenght": 3}}}))


@pytest.mark.parametrize(("column", "message"), [("int", "no meaning for type int"), ("text", "length takes a number")])
def test_a_rule_refuses_what_it_cannot_use(column: str, message: str) -> None:
    with pytest.raises(GateError, match=rf"contract.columns.x.rules.length: .*{message}"):
        plan(contract({"x": {"type": column, "rules": {"length": (1, 2, 3)}}}))


def test_reasons_are_only_for_rules_that_exist() -> None:
    with pytest.raises(ValueError, match="there is no rule 'minimum'"):
        contract({"x": {"type": "int", "reasons": {"minimum": "small"}}})


def test_a_package_adds_a_rule_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("vendor_even")
    module.rule = lambda value, argument, column: value % 2 == 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vendor_even", module)
    point = importlib.metadata.EntryPoint(name="even", value="vendor_even", group="torneo.checks")
    monkeypatch.setattr(plugins, "_entry_points", lambda kind: {"even": point} if kind == "checks" else {})
    plugins.names.cache_clear()
    try:
        declared = contract({"x": {"type": "int", "rules": {"even": True}, "reasons": {"even": "odd_x"}}})
        assert passes(declared, pl.DataFrame({"x": [1, 2]}))["odd_x"] == [False, True]
    finally:
        plugins.names.cache_clear()


def test_functions_of_a_project_become_checks() -> None:
    frame = nw.from_native(pl.DataFrame({"x": [1, 2]}))
    (check,) = function_checks({"small": lambda frame: nw.col("x") < 2}, frame)
    assert check.name == "small"
    assert frame.select(check.expression)["x"].to_list() == [True, False]


def test_a_function_that_fails_says_where() -> None:
    frame = nw.from_native(pl.DataFrame({"x": [1]}))
    with pytest.raises(HookError, match=r"checks.py: broken failed: ZeroDivisionError: division by zero"):
        function_checks({"broken": lambda frame: 1 / 0}, frame)
    with pytest.raises(HookError, match=r"checks.py: computed gave a bool"):
        function_checks({"computed": lambda frame: True}, frame)
