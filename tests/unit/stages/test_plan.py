"""The plan as data."""

from __future__ import annotations

from pathlib import Path

import small
from torneo.spec.project import Project
from torneo.stages.plan import PLAN, tasks


def test_every_step_comes_after_what_it_needs_and_has_its_function() -> None:
    done: set[str] = set()
    for step in PLAN:
        assert set(step.needs) <= done
        assert step.function.__name__ == step.name
        done.add(step.name)


def test_every_part_of_a_project_decides_some_step() -> None:
    parts = {part.split(".")[0] for step in PLAN for part in step.parts}
    # each challenger decides its own training; what is watched decides nothing that is trained
    assert set(Project.model_fields) - parts == {"challengers", "watch"}


def test_inputs_are_named_for_people(tmp_path: Path) -> None:
    small.table(20).write_csv(tmp_path / "data.csv")
    (task,) = tasks(PLAN[0], small.context(small.project(), tmp_path), {})
    assert set(task.inputs) == {"project.yaml source", "code of torneo", "source content"}
