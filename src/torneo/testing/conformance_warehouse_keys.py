"""What every warehouse must do about keys whose rows do not come, and keys on days outside the window."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from torneo.errors import MovedKeysError
from torneo.ports import Warehouse
from torneo.testing.expect import equal
from torneo.testing.small_load import Row, counts, day, merge, merge_withholding, rules, tables

Factory = Callable[[], Warehouse]


def keeps_withheld(factory: Factory) -> None:
    """Keys that the source has, though their rows do not come, are not missing; NUL in them is as in the table."""
    warehouse = factory()
    for load in (tables(), tables(key=("id",)).model_copy(update={"prod": "prod.others"})):
        warehouse.migrate(load)
        one = day(1)
        merge(warehouse, [(name, one, Decimal(1)) for name in ("a", "b", "c\0", "d")], load)
        withheld: list[Row] = [("b", one), ("c\0", one), ("new", one), ("b", one)]
        keys = [row[: len(load.key)] for row in withheld]
        by = rules()
        done = merge_withholding(warehouse, [("a", one, Decimal(1))], keys, load, by, 1)
        equal(done, counts(1, unchanged=1, deactivated=1), "two of three keys that are not staged are withheld")
        again = merge_withholding(warehouse, [("a", one, Decimal(1))], keys, load, by, 2)
        equal(again, counts(1, unchanged=1), "the same again")
        merge(warehouse, [(name, one, Decimal(1)) for name in ("a", "b", "c\0", "d")], load, on=3)
        few = merge_withholding(warehouse, [("a", one, Decimal(1))], keys, load, rules(max_shrink=0.25), 4)
        equal(few.deactivated, 1, "one of four keys is as many as may go missing")
        active = warehouse.read(load.prod, where={"is_active": True})["id"].sort().to_list()
        equal(active, ["a", "b", "c\ufffd"], "active keys")
    merge_withholding(warehouse, [], [], load, rules(), 5)
    equal(warehouse.read(load.prod, where={"is_active": True}).height, 0, "active rows after nothing was withheld")


def tells_moved_keys(factory: Factory) -> None:
    """Keys that production has outside the window are told with their values, active or not."""
    warehouse, by_id = factory(), tables(key=("id",))
    warehouse.migrate(by_id)
    merge(warehouse, [("a", day(1), None), ("b", day(9), None), ("c", day(8), None)], by_id)
    merge(warehouse, [("b", day(9), None)], by_id, rules(8, 9), 1)
    try:
        merge(warehouse, [(name, day(2), None) for name in "abcd"], by_id, rules(1, 5), 2)
    except MovedKeysError as moved:
        equal(sorted(moved.keys.rows()), [("b",), ("c",)], "moved keys")
        return
    raise AssertionError("a merge of keys that are outside the window was not refused")
