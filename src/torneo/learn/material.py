"""From a declared challenger to a recipe, and back to what a bundle keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.hooks import Hooks
from torneo.learn.families import family_of
from torneo.learn.recipe import Recipe
from torneo.spec.preparation import Prepare
from torneo.spec.project import Challenger, Project
from torneo.spec.records import Feature


def recipe_of(
    project: Project,
    challenger: Challenger,
    prepare: Prepare,
    features: tuple[Feature, ...],
    hooks: Hooks,
    jobs: int,
) -> Recipe:
    """The recipe of a challenger for a project's columns."""
    columns = project.contract.columns
    made = {feature.name for feature in features} - set(columns)
    return Recipe(
        challenger=challenger,
        prepare=prepare,
        family=family_of(challenger, hooks),
        features=features,
        nullable=frozenset(made | {name for name, column in columns.items() if column.nullable}),
        task=project.task,
        classes=len(project.classes),
        seed=project.split.seed,
        jobs=jobs,
    )


def declared(project: Project, challenger: Challenger) -> Mapping[str, Any]:
    """What a bundle keeps of its recipe: enough to fit it again on other rows."""
    prepare = project.prepare.model_dump(mode="json", exclude={"trim"}, exclude_unset=True)
    return {"challenger": challenger.model_dump(mode="json"), "prepare": prepare, "seed": project.split.seed}
