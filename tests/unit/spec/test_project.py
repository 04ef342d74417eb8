"""What a project is made of, and what it derives from its contract."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from torneo.spec.project import Challenger, Guardrail, Project, Search, Split

COLUMNS: dict[str, Any] = {
    "id": {"type": "int"},
    "who": {"type": "text"},
    "day": {"type": "date"},
    "age": {"type": "float"},
    "old": {"type": "bool"},
    "later": {"type": "float", "feature": False},
    "colour": {"type": "category", "values": ["red", "green"]},
    "y": {"type": "category", "values": [0, 1]},
}


def project_of(**parts: Any) -> Project:
    base = {"project": "p", "task": "classification", "target": "y", "source": {"uri": "a.csv"}}
    return Project.model_validate({**base, "contract": {"columns": COLUMNS, "key": ["id"]}, **parts})


def test_features_are_numbers_and_categories_that_are_neither_key_nor_target() -> None:
    assert project_of().features == ("age", "old", "colour")
    assert project_of(split={"group": "colour"}).features == ("age", "old")


@pytest.mark.parametrize(
    ("positive", "classes"), [(None, ("0", "1")), (0, ("1", "0")), (1, ("0", "1")), ("0", ("1", "0"))]
)
def test_the_positive_class_is_the_last(positive: object, classes: tuple[str, ...]) -> None:
    assert project_of(positive=positive).classes == classes


def test_the_classes_of_a_bool() -> None:
    assert project_of(target="old").classes == ("false", "true")
    assert project_of(target="old", positive=False).classes == ("true", "false")


@pytest.mark.parametrize("positive", [2, "yes", True])
def test_a_positive_class_that_is_none_is_refused(positive: object) -> None:
    with pytest.raises(ValidationError, match=r"positive: must be one of two classes \(there are: 0, 1\)"):
        project_of(positive=positive)


def test_a_positive_class_needs_two_classes() -> None:
    three = {**COLUMNS, "y": {"type": "category", "values": [0, 1, 2]}}
    with pytest.raises(ValidationError, match="positive: must be one of two classes"):
        project_of(positive=1, contract={"columns": three})
    with pytest.raises(ValidationError, match=r"one of two classes \(there are: none\)"):
        project_of(positive=1, task="regression", target="age")


def test_the_metric_that_decides() -> None:
    three = {**COLUMNS, "y": {"type": "category", "values": [0, 1, 2]}}
    assert project_of().metric == "auc"
    assert project_of(contract={"columns": three}).metric == "accuracy"
    assert project_of(task="regression", target="age").metric == "rmse"
    assert project_of(judge={"metric": "f1"}).metric == "f1"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"target": "z"}, "target: there is no column 'z'"),
        ({"target": "agee"}, r"target: there is no column 'agee' .* \(did you mean 'age'\?\)"),
        ({"split": {"by_time": "age"}}, "split.by_time: age must have type date or datetime, not float"),
        ({"split": {"stratify": "age"}}, "split.stratify: age must have type bool or category or int or text"),
        ({"target": "age"}, "target: age must have type category for classification, not float"),
        ({"task": "regression"}, "target: y must have type float or int for regression, not category"),
        ({"challengers": {}}, "there must be at least one challenger"),
        ({"challengers": {"A": {"model": "linear"}}}, "'A': a name has lower-case letters"),
        ({"judge": {"slices": ["colours"]}}, "judge.slices.0: there is no column 'colours'"),
        ({"prepare": {"numeric": [{"impute": "median", "scale": "robust"}]}}, "exactly one of: impute, scale"),
        ({"prepare": {"categorical": [{}]}}, "exactly one of: impute, encode"),
    ],
)
def test_what_does_not_fit_the_contract_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        project_of(**parts)


def test_a_nullable_target_is_refused() -> None:
    columns = {**COLUMNS, "y": {"type": "category", "values": [0, 1], "nullable": True}}
    with pytest.raises(ValidationError, match="target: y must not be nullable"):
        project_of(contract={"columns": columns})


def test_a_target_without_values_is_refused() -> None:
    with pytest.raises(ValidationError, match="target: y must list at least two values"):
        project_of(contract={"columns": {**COLUMNS, "y": {"type": "category"}}})


def test_all_that_is_misnamed_is_told_at_once() -> None:
    with pytest.raises(ValidationError, match=r"split.group: .*'a'.*; judge.slices.1: .*'b'") as caught:
        project_of(split={"group": "a"}, judge={"slices": ["colour", "b"]})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"by_time": "a", "group": "b"}, "by_time excludes stratify and group"),
        ({"by_time": "a", "stratify": "b"}, "by_time excludes stratify and group"),
        ({"stratify": "a", "group": "b"}, "stratify excludes group"),
        ({"test": "0%"}, "greater than 0"),
        ({"test": 1}, "less than 1"),
        ({"test": True}, "expected a share such as 20% or 0.2, not True"),
    ],
)
def test_a_split_is_of_one_way(split: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Split.model_validate(split)


def test_a_grid_is_tried_whole() -> None:
    grid = Search(sampler="grid", trials=6, space={"a": (1, 2, 3), "b": (True, False)})
    assert Search.model_validate(grid.model_dump(mode="json")) == grid
    with pytest.raises(ValidationError, match="trials: the grid has 6 combinations, and only 5 may be tried"):
        Search(sampler="grid", trials=5, space={"a": (1, 2, 3), "b": (True, False)})
    with pytest.raises(ValidationError, match="grid needs `space`"):
        Search(sampler="grid")
    with pytest.raises(ValidationError, match="at least 1 item"):
        Search(sampler="random", space={"a": ()})


@pytest.mark.parametrize(
    ("bar", "value", "holds"),
    [
        ("> 0.7", 0.7, False),
        (">= 0.7", 0.7, True),
        ("< -1", -1.5, True),
        ("<=5", 5, True),
        ("<5", 5, False),
        ("> 0.7", float("nan"), False),
        ("< 5", float("nan"), False),
    ],
)
def test_a_bar_holds(bar: str, value: float, holds: bool) -> None:
    assert Challenger(model="linear").select is None
    guardrail = Guardrail.model_validate(Guardrail.parse(bar))
    assert guardrail.holds(value) is holds
    assert Guardrail.parse(str(guardrail)) == guardrail


def test_a_bar_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"expected a bar such as '> 0.7' or '<= 5', not '0.7'"):
        Guardrail.parse("0.7")


def test_a_project_survives_its_json() -> None:
    project = project_of(challengers={"a": {"model": "linear", "params": {"C": 1.0, "n": 1, "b": True, "z": None}}})
    again = Project.model_validate_json(project.model_dump_json())
    assert again == project
    assert not isinstance(again.challengers, str)
    kinds = [type(value) for value in again.challengers["a"].params.values()]
    assert kinds == [float, int, bool, type(None)]
