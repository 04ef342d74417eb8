"""`challengers: auto` and what bundles keep of recipes."""

from __future__ import annotations

import pytest

import small
from torneo.hooks import Hooks
from torneo.learn.auto import challengers_of
from torneo.learn.material import declared, recipe_of
from torneo.spec.project import Challenger, Prepare
from torneo.spec.records import Feature


def test_what_is_declared_stays() -> None:
    own = {"a": Challenger(model="linear")}
    assert challengers_of(own, 10**9) is own


@pytest.mark.parametrize(
    ("rows", "names", "searched"),
    [
        (100, ["linear", "forest", "boosting"], True),
        (20_001, ["linear", "forest", "boosting"], False),
        (10**6, ["linear", "boosting"], False),
    ],
)
def test_auto_fits_the_size(rows: int, names: list[str], searched: bool) -> None:
    chosen = challengers_of("auto", rows)
    assert list(chosen) == names
    assert (chosen["boosting"].search is not None) is searched


def test_a_recipe_comes_back_from_what_a_bundle_keeps() -> None:
    prepare = {"numeric": [{"impute": "mean"}], "trim": {"columns": ["a"]}}
    project = small.project(prepare=prepare)
    challenger = Challenger.model_validate(
        {"model": "linear", "params": {"C": 2.0}, "select": {"by": "shap", "keep": 1}}
    )
    kept = declared(project, challenger)
    assert Challenger.model_validate(kept["challenger"]) == challenger
    assert Prepare.model_validate(kept["prepare"]) == Prepare.model_validate({"numeric": [{"impute": "mean"}]})


def test_inputs_that_hooks_make_may_be_missing() -> None:
    features = tuple(Feature(name=name, kind="numeric") for name in ("a", "b", "made"))
    project = small.project()
    recipe = recipe_of(project, Challenger(model="linear"), project.prepare, features, Hooks(), 1)
    assert recipe.nullable == {"a", "made"}
    assert (recipe.classes, recipe.seed) == (2, 42)
