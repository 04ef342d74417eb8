"""Explanations from a bundle: against the shap library, and for the rows that a server gets"""

from __future__ import annotations

import copy
import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.bundle.making import make

from torneo import plugins
from torneo.bundle import explain as module
from torneo.bundle import explain_shapley
from torneo.bundle.baseline import background
from torneo.bundle.explain import Explanation, UnexplainableError, explain
from torneo.bundle.load import load
from torneo.bundle.scorer import Scorer
from torneo.bundle.write import write
from torneo.learn import preparation
from torneo.spec.records import LINE, BundleInfo, Lineage
from torneo.testing import conformance_models as suite

FAMILIES = plugins.names("models")
EVERYTHING = 10**6


def fitted(name: str, task: str, classes: int) -> tuple[Any, suite.Sample]:
    family = plugins.load("models", name)
    if task not in family.TASKS:
        pytest.skip(f"{name} does not learn {task}")
    sample = suite.made_up(task, classes)  # type: ignore[arg-type]
    return suite.fitted(family, sample, suite.prepare_of(family)), sample


def bundle(folder: Path, name: str, pipeline: Any, sample: suite.Sample, *, rows: int = 100) -> Scorer:
    """A bundle with the first rows' values, some missing, as background."""
    info = BundleInfo(
        project="shop",
        task=sample.task,
        target="y",
        classes=tuple("abc"[: sample.classes]),
        challenger=name,
        family=name,
        contract={},
        features=sample.features,
        uses_hook=False,
        metrics={},
        interval={},
        baseline={},
        background=background(sample.frame[:rows], [feature.name for feature in sample.features], seed=0, rows=rows),
        lineage=Lineage(snapshot="", prepared="", recipe="", code=""),
    )
    write(folder, suite.exported(pipeline, sample), info)
    return load(folder)


def columns_of(sample: suite.Sample, first: int, count: int) -> dict[str, list[Any]]:
    return sample.frame[first : first + count].drop(LINE).to_dict(as_series=False)


def row(columns: dict[str, list[Any]], place: int) -> dict[str, list[Any]]:
    return {name: values[place : place + 1] for name, values in columns.items()}


def gap(one: Explanation) -> float:
    return abs(one.base + sum(one.values.values()) - one.output) / max(1.0, abs(one.output))


@pytest.mark.parametrize(("task", "classes"), [("regression", 0), ("classification", 2), ("classification", 3)])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_and_task_adds_up(tmp_path: Path, name: str, task: str, classes: int) -> None:
    """With values missing, and a category that nobody has seen; exact with 6 inputs, sampled with a small budget."""
    scorer = bundle(tmp_path / "bundle", name, *fitted(name, task, classes))
    columns = columns_of(suite.made_up(task, classes), 200, 4)  # type: ignore[arg-type]
    columns["colour"][0], columns["_region"][1], columns["small"][2] = None, "Atlantis", None
    answers = np.asarray(scorer.score(columns), dtype=np.float64)
    for budget in (module.BUDGET, 400):
        for place, one in enumerate(explain(scorer, columns, budget=budget)):
            assert gap(one) < 1e-4
            chosen = answers[place] if not classes else answers[place][-1 if classes == 2 else answers[place].argmax()]
            assert one.output == pytest.approx(float(chosen), abs=1e-5, rel=1e-5)
            assert one.outcome == (None if not classes else "abc"[1 if classes == 2 else int(answers[place].argmax())])
            assert set(one.values) == set(one.errors) == set(columns)
            straight = name == "linear" and not classes
            assert one.method == ("exact" if budget == module.BUDGET or straight else "permutation")
            assert (max(one.errors.values()) > 0) == (one.method == "permutation")
    assert (
        max(explain(scorer, columns)[3].values, key=lambda name: abs(explain(scorer, columns)[3].values[name])) != "x"
    )


def imported() -> Any:
    """The shap library, which makes colour maps in a way that matplotlib will give up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap
    return shap


def reference(pipeline: Any, sample: suite.Sample, rows: pd.DataFrame, known: pd.DataFrame) -> np.ndarray:
    """Kernel SHAP of the estimator with all coalitions, which is exact: (rows, inputs); categories go through codes."""
    shap = imported()
    texts = [feature.name for feature in sample.features if feature.kind == "categorical"]
    levels = {name: sorted({*rows[name], *known[name]}) for name in texts}

    def coded(frame: pd.DataFrame) -> np.ndarray:
        return frame.assign(**{name: frame[name].map(levels[name].index) for name in texts}).to_numpy(dtype=np.float64)

    def ask(codes: np.ndarray) -> np.ndarray:
        frame = pd.DataFrame(codes, columns=rows.columns).astype(np.float32)
        columns = {name: pd.Series([levels[name][int(code)] for code in frame[name]], dtype=object) for name in texts}
        frame = frame.assign(**columns)
        return pipeline.predict(frame) if not sample.classes else pipeline.predict_proba(frame)[:, 1]

    explainer = shap.KernelExplainer(ask, coded(known))
    return np.asarray(explainer.shap_values(coded(rows), nsamples=EVERYTHING, l1_reg=False, silent=True))


@pytest.mark.parametrize(
    ("name", "task", "classes"),
    [("xgboost", "regression", 0), ("random_forest", "classification", 2), ("gaussian_nb", "classification", 2)],
)
def test_exact_values_are_those_of_the_shap_library(tmp_path: Path, name: str, task: str, classes: int) -> None:
    pipeline, some = fitted(name, task, classes)
    frame = some.frame.fill_null(strategy="forward").fill_null(strategy="backward")
    sample = dataclasses.replace(some, frame=frame)
    scorer = bundle(tmp_path / "bundle", name, pipeline, sample, rows=50)
    found = explain(scorer, columns_of(sample, 300, 3))
    inputs = preparation.input_frame(frame, sample.features)
    expected = reference(pipeline, sample, inputs[300:303].reset_index(drop=True), inputs[:50])
    assert {one.method for one in found} == {"exact"}
    assert {one.background for one in found} == {50}
    np.testing.assert_allclose([list(one.values.values()) for one in found], expected, atol=1e-5, rtol=1e-4)


def test_sampled_values_come_near_tree_shap_by_the_stated_error(tmp_path: Path) -> None:
    """Ten inputs of a real data set: interventional Tree SHAP (Lundberg et al. 2020) is exact."""
    from tests.conformance.test_models import bundled

    shap = imported()
    family, sample = plugins.load("models", "xgboost"), bundled("diabetes")
    pipeline = suite.fitted(family, sample, suite.prepare_of(family))
    scorer = bundle(tmp_path / "bundle", "xgboost", pipeline, sample)
    found = explain(scorer, columns_of(sample, 300, 20))
    inputs = pipeline.named_steps["prepare"].transform(preparation.input_frame(sample.frame, sample.features))
    tree = shap.TreeExplainer(pipeline.named_steps["model"], inputs[:100], feature_perturbation="interventional")
    off = np.array([list(one.values.values()) for one in found]) - tree.shap_values(inputs[300:320])
    errors = np.array([list(one.errors.values()) for one in found])
    assert {(one.method, one.permutations, one.background) for one in found} == {("permutation", 4, 100)}
    assert 0.5 < np.sqrt((off**2).mean() / (errors**2).mean()) < 2
    assert (np.abs(off) < 3 * errors).mean() > 0.95
    assert np.sqrt((off**2).mean()) < 0.02 * np.std(scorer.score(columns_of(sample, 0, 400)))


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scorer, suite.Sample]:
    folder = tmp_path_factory.mktemp("forest") / "bundle"
    pipeline, sample = fitted("random_forest", "classification", 3)
    return bundle(folder, "random_forest", pipeline, sample), sample


@given(
    places=st.lists(st.integers(0, 399), min_size=1, max_size=3),
    missing=st.sets(st.sampled_from(["small", "flag", "colour", "_region"])),
    budget=st.sampled_from([100, 700, 6400]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_alone_and_among_others_have_the_same_values(
    forest: tuple[Scorer, suite.Sample], places: list[int], missing: set[str], budget: int
) -> None:
    scorer, sample = forest
    columns = sample.frame[places].drop(LINE).to_dict(as_series=False)
    columns |= {name: [None] * len(places) for name in missing}
    found = explain(scorer, columns, budget=budget)
    assert found == tuple(explain(scorer, row(columns, place), budget=budget)[0] for place in range(len(places)))
    assert all(gap(one) < 1e-4 for one in found)
    assert {sum(one.evaluations for one in found) <= max(budget, 240) * len(places)} == {True}


def test_the_same_bundle_loaded_again_gives_the_same_values(
    tmp_path: Path, forest: tuple[Scorer, suite.Sample]
) -> None:
    scorer, sample = forest
    again = bundle(tmp_path / "again", "random_forest", fitted("random_forest", "classification", 3)[0], sample)
    columns = columns_of(sample, 390, 2)
    assert explain(again, columns, budget=700) == explain(scorer, columns, budget=700)


def test_another_class_can_be_explained(forest: tuple[Scorer, suite.Sample]) -> None:
    scorer, sample = forest
    columns = columns_of(sample, 310, 1)
    each = {name: explain(scorer, columns, outcome=name)[0] for name in "abc"}
    answers = scorer.score(columns)[0].tolist()
    assert [one.output for one in each.values()] == pytest.approx(answers, abs=1e-6)
    for name in each["a"].values:
        assert sum(one.values[name] for one in each.values()) == pytest.approx(0, abs=1e-6), "probabilities sum to 1"
    with pytest.raises(UnexplainableError, match=r"there is no class 'd' \(there are: a, b, c\)"):
        explain(scorer, columns, outcome="d")


def test_explains_the_probability_that_is_served(forest: tuple[Scorer, suite.Sample]) -> None:
    """Where training found that probabilities have to be corrected, the corrected ones are explained."""
    scorer, sample = copy.copy(forest[0]), forest[1]
    columns = columns_of(sample, 310, 1)
    before = explain(scorer, columns, outcome="a")[0]
    scorer.info = {**scorer.info, "calibration": {"slope": 0.3, "shift": [0.0, 0.0, 0.0]}}
    after = explain(scorer, columns, outcome="a")[0]
    assert after.output == pytest.approx(float(scorer.score(columns)[0, 0]), abs=1e-6)
    assert abs(after.output - before.output) > 0.1
    assert gap(after) < 1e-6


@pytest.mark.parametrize("budget", [module.BUDGET, 2000])
def test_memory_is_bounded_by_parts(
    monkeypatch: pytest.MonkeyPatch, forest: tuple[Scorer, suite.Sample], budget: int
) -> None:
    scorer, sample = forest
    columns = columns_of(sample, 310, 1)
    whole = explain(scorer, columns, budget=budget)[0]
    sizes: list[int] = []
    answers = scorer.graph.answers
    monkeypatch.setattr(explain_shapley, "CELLS", 64 * 6)
    monkeypatch.setattr(scorer.graph, "answers", lambda feeds: sizes.append(len(feeds["small"])) or answers(feeds))
    assert explain(scorer, columns, budget=budget)[0].values == pytest.approx(whole.values, abs=1e-7)
    assert max(sizes) <= 100
    assert sum(sizes) <= whole.evaluations + whole.background + 1


def test_one_column_owes_everything(tmp_path: Path) -> None:
    import small
    from torneo.bundle.export import export
    from torneo.learn.recipe import fit
    from torneo.spec.records import Feature

    recipe, rows = small.recipe(), small.rows(60)
    only = (Feature(name="a", kind="numeric"),)
    one = fit(recipe.__class__(**{**vars(recipe), "features": only}), rows, {})
    sample = suite.Sample(small.table(60, classes=False).with_row_index(LINE), rows.y, only, "regression", 0)
    info_of = bundle(tmp_path / "bundle", "linear", one.pipeline, sample)
    assert export(one.pipeline, only, task="regression", classes=0)
    (found,) = explain(info_of, {"a": [1.5]})
    assert (found.method, found.values) == ("exact", {"a": pytest.approx(found.output - found.base)})


def test_what_cannot_be_explained(tmp_path: Path) -> None:
    made = make(tmp_path / "plain", hook=False)
    scorer = load(made.folder)
    assert explain(scorer, {"size": [], "kind": []}) == ()
    with pytest.raises(ValueError, match=r"column 'kind' is absent; the model reads size, kind"):
        explain(scorer, {"size": [1.0]})
    with pytest.raises(UnexplainableError, match=r"there is no class 'low' \(there are: none\)"):
        explain(scorer, {"size": [1.0], "kind": ["x"]}, outcome="low")
    scorer.info["background"] = {"size": [], "kind": []}
    with pytest.raises(ValueError, match="no background rows"):
        explain(scorer, {"size": [1.0], "kind": ["x"]})


def test_a_missing_value_that_the_model_needs(tmp_path: Path) -> None:
    from tests.conformance.test_models import bundled

    from torneo.spec.preparation import Prepare

    family, sample = plugins.load("models", "linear"), bundled("diabetes")
    sample = suite.Sample(sample.frame, sample.y, sample.features, "regression", 0)
    scorer = bundle(tmp_path / "bundle", "linear", suite.fitted(family, sample, Prepare(numeric=())), sample)
    columns = columns_of(sample, 0, 2)
    columns["x3"][1] = None
    with pytest.raises(ValueError, match="row 2: the model gives no number"):
        explain(scorer, columns)
