"""Champion and challengers before the judge: the right protocol and rows, and a clear word where it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import small
from torneo.errors import BundleError, ConflictError, NotFoundError
from torneo.orchestration import local
from torneo.promotion import champion, rollback
from torneo.spec.records import Decision
from torneo.stages.context import Context
from torneo.stages.judge import compare

LINE = {"line": {"model": "linear"}}
STIFF = {"line": {"model": "linear", "params": {"C": 0.0001}}}
BAYES = {"bayes": {"model": "gaussian_nb"}}


def ran(context: Context) -> tuple[Decision, Mapping[str, Any]]:
    report = local.run(context, context.owner, lambda step: None)
    return Decision.model_validate(report.results["judge"]["decision"]), report.results


def written(folder: Path, frame: pl.DataFrame) -> Path:
    frame.write_csv(folder / "data.csv")
    return folder


def test_the_first_champion_needs_the_guardrails_only(tmp_path: Path) -> None:
    written(tmp_path, small.table(120))
    one = small.context(small.project(judge={"guardrails": {"auc": "> 0.999"}}), tmp_path)
    decision, results = ran(one)
    assert (decision.verdict, decision.champion, decision.winner) == ("keep", None, None)
    assert "its auc is" in decision.vetoes["line"][0]
    assert results["judge"]["champion"] is None
    two = small.context(small.project(judge={"guardrails": {"auc": "> 0.6"}}), tmp_path, before=one)
    decision, results = ran(two)
    assert (decision.verdict, decision.winner, decision.protocol) == ("promote", "line", "holdout")
    assert results["judge"]["champion"] == 1
    assert decision.rows == 30


def test_the_same_recipe_on_newer_rows_is_judged_on_the_held_out_ones(tmp_path: Path) -> None:
    """Also: rows that the champion was trained on do not judge it."""
    before = small.context(small.project(), written(tmp_path, small.table(160)))
    ran(before)
    seen = pl.read_parquet(before.objects.path(results_of(before, "prepare")["train"]["key"]))
    written(tmp_path, small.table(160).extend(small.table(160, seed=5).with_columns(pl.col("id") + 160)))
    after = small.context(small.project(), tmp_path, before=before)
    decision, _ = ran(after)
    assert decision.protocol == "holdout"
    judging = pl.read_parquet(after.objects.path(results_of(after, "prepare")["test"]["key"]))
    fresh = judging.filter(~pl.col("id").is_in(seen["id"].implode()))
    assert decision.rows == fresh.height


def results_of(context: Context, step: str) -> Mapping[str, Any]:
    known = context.state.get("small", f"step/{step}")
    assert known is not None
    result: Mapping[str, Any] = known["result"]
    return result


def test_fault_3_rows_that_the_champion_was_trained_on_never_judge_it(tmp_path: Path) -> None:
    """Fault 3, where another seed makes training rows of the champion judging rows of the challenger."""
    before = small.context(small.project(), written(tmp_path, small.table(400)))
    ran(before)
    trained = set(pl.read_parquet(before.objects.path(results_of(before, "prepare")["train"]["key"]))["id"])
    after = small.context(
        small.project(split={"test": 0.25, "seed": 5}, judge={"protocol": "holdout"}), tmp_path, before=before
    )
    decision, _ = ran(after)
    test = pl.read_parquet(after.objects.path(results_of(after, "prepare")["test"]["key"]))
    fresh = [each for each in test["id"] if each not in trained]
    assert 0 < len(fresh) < test.height
    assert decision.rows == len(fresh)


def test_fault_3_also_where_the_contract_has_got_a_column(tmp_path: Path) -> None:
    """A column that the champion's training rows lack must not make them look new."""
    written(tmp_path, small.table(400))
    columns = {name: each.model_dump(exclude_unset=True) for name, each in small.project().contract.columns.items()}
    fewer = small.project(contract={"columns": {name: columns[name] for name in columns if name != "b"}})
    before = small.context(fewer, tmp_path)
    ran(before)
    trained = set(pl.read_parquet(before.objects.path(results_of(before, "prepare")["train"]["key"]))["id"])
    after = small.context(small.project(judge={"protocol": "holdout"}), tmp_path, before=before)
    decision, _ = ran(after)
    test = pl.read_parquet(after.objects.path(results_of(after, "prepare")["test"]["key"]))
    assert decision.rows == len([each for each in test["id"] if each not in trained]) < test.height


def test_fault_17_another_recipe_on_few_rows_is_judged_by_nested_cross_validation(tmp_path: Path) -> None:
    """Fault 17: on 400 rows, a single split promotes luck."""
    before = small.context(small.project(challengers=STIFF), written(tmp_path, small.table(120)))
    ran(before)
    after = small.context(small.project(challengers=BAYES), tmp_path, before=before)
    decision, _ = ran(after)
    assert decision.protocol == "nested_cv"
    assert decision.champion == "version 1"
    assert decision.rows == 120
    kept = after.objects.list("small/nested")
    assert len(kept) == 2
    again = small.context(small.project(challengers=BAYES, judge={"confidence": 0.9}), tmp_path, before=after)
    decision, _ = ran(again)
    assert decision.protocol == "nested_cv"


def test_challengers_that_are_the_champion_keep_it(tmp_path: Path) -> None:
    first = small.context(small.project(), written(tmp_path, small.table(120)))
    ran(first)
    again = small.context(small.project(judge={"confidence": 0.9}), tmp_path, before=first)
    decision, results = ran(again)
    assert (decision.verdict, decision.winner, results["judge"]["champion"]) == ("keep", None, 1)
    assert decision.words == ("Keep: the challenger is version 1 itself, made again from the same rows.",)


def test_too_few_rows_prove_nothing(tmp_path: Path) -> None:
    context = small.context(small.project(), written(tmp_path, small.table(60)))
    with pytest.raises(
        ConflictError, match=r"small: only 15 judging rows are new .* proves nothing\n  fix: add data, or"
    ):
        ran(context)
    assert champion(context.state, "small") is None
    nested = small.context(small.project(judge={"protocol": "nested_cv"}), tmp_path, before=context)
    assert ran(nested)[0].verdict == "promote"


def test_a_version_that_was_rolled_back_is_not_promoted_again_by_itself(tmp_path: Path) -> None:
    written(tmp_path, small.table(400))
    judge = {"metric": "log_loss", "protocol": "holdout"}
    first = small.context(small.project(challengers=STIFF, judge=judge), tmp_path)
    ran(first)
    second = small.context(small.project(judge=judge), tmp_path, before=first)
    decision, results = ran(second)
    assert (decision.verdict, results["judge"]["champion"]) == ("promote", 2)
    rollback(second.state, second.registry, "small", by="ada", why="it lies", owner="ada")
    decision, results = ran(small.context(small.project(judge=judge), tmp_path, before=second))
    assert (decision.verdict, results["judge"]["champion"]) == ("keep", 1)
    assert "was rolled back on 2026-01-01 by ada (it lies)" in decision.vetoes["line"][0]


def test_fault_6_a_bundle_of_two_runs_is_refused(tmp_path: Path) -> None:
    """Fault 6: scaler and model were written by different steps, so their versions could mix."""
    written(tmp_path, small.table(120))
    first = small.context(small.project(), tmp_path)
    _, one = ran(first)
    _, other = ran(
        small.context(small.project(challengers=STIFF, judge={"protocol": "holdout"}), tmp_path, before=first)
    )
    mine, theirs = (results["train:line"]["bundle"]["key"] for results in (one, other))
    assert mine != theirs
    first.objects.put(f"{mine}/model.onnx", first.objects.get(f"{theirs}/model.onnx"))
    with pytest.raises(BundleError, match=r"model\.onnx"):
        compare(small.context(small.project(), tmp_path, before=first), 2, 1)


def test_versions_are_compared_without_a_decision(tmp_path: Path) -> None:
    written(tmp_path, small.table(400))
    first = small.context(small.project(challengers=STIFF), tmp_path)
    with pytest.raises(NotFoundError, match=r"no such version to compare \(there are: none\)"):
        compare(first, None, None)
    ran(first)
    second = small.context(small.project(judge={"protocol": "holdout"}), tmp_path, before=first)
    ran(second)
    entries = len(second.state.read("small", "decisions"))
    decision = compare(small.context(small.project(judge={"protocol": "holdout"}), tmp_path, before=second), 2, 1)
    assert decision.champion == "version 1"
    assert len(second.state.read("small", "decisions")) == entries
    with pytest.raises(ConflictError, match="version 1 of small cannot be compared with itself"):
        compare(small.context(small.project(), tmp_path, before=second), 1, 1)


def test_a_guardrail_about_something_that_has_no_value_here_is_told(tmp_path: Path) -> None:
    frame = small.table(120, classes=False).with_columns(y=pl.lit(0.0))
    project = small.project(classes=False, judge={"guardrails": {"mape": "< 0.5"}})
    message = r"judge\.guardrails\.mape: 'line' has no value on these 30 rows \(there are: .*rmse"
    with pytest.raises(ConflictError, match=message):
        ran(small.context(project, written(tmp_path, frame)))
