"""Steps that do not need each other run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from coins import Coins
from torneo.errors import GateError, HookError
from torneo.orchestration.local import together
from torneo.stages.loading import LOADING
from torneo.stages.plan import PLAN


def test_neighbours_that_do_not_need_each_other_are_together() -> None:
    assert [[step.name for step in group] for group in together(LOADING)] == [
        ["ingest"],
        ["raw", "gate"],
        ["merge"],
        ["report"],
    ]
    assert [len(group) for group in together(PLAN)] == [1] * len(PLAN)


def test_two_steps_that_fail_at_once_are_told_once_in_the_order_of_the_plan(tmp_path: Path) -> None:
    coins = Coins(tmp_path)
    coins.write("AR,5/1/2026,1", header="site,day,prise")
    (coins.folder / "checks.py").write_text("def never(frame):\n    raise ValueError('no')\n")
    with pytest.raises(GateError, match="the source lacks"):
        coins.run()
    assert [entry.body["status"] for entry in coins.project.history()] == ["stopped"]


def test_a_step_beside_one_that_fails_comes_to_its_end(tmp_path: Path) -> None:
    coins = Coins(tmp_path)
    coins.write("AR,5/1/2026,1,1")
    (coins.folder / "checks.py").write_text("def never(frame):\n    raise ValueError('no')\n")
    with pytest.raises(HookError, match="never"):
        coins.run()
    assert coins.table("raw.coins").height == 1
    assert "never" in coins.runs()["stopped"]["error"]
