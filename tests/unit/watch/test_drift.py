from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from torneo.errors import NotFoundError
from torneo.spec.records import ANSWERS
from torneo.spec.watching import Drift
from torneo.watch.drift import drift
from torneo.watch.persistence import persistent_columns, persists
from torneo.watch.report import DriftReport
from torneo.watch.sketch import Baseline, empty, sketch
from unit.watch.making import baseline_of


def _rows(count: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": random.normal(40, 10, count).round(),
            "income": random.lognormal(8, 1, count),
            "constant": np.full(count, 7.0),
            "plan": random.choice(["monthly", "yearly", "none"], count, p=[0.6, 0.3, 0.1]),
            "note": pl.Series(np.where(random.random(count) < 0.2, None, "x").tolist(), dtype=pl.String),
        }
    )


TRAINED = baseline_of(_rows(5000, 0))


def _drift(frame: pl.DataFrame, settings: Drift | None = None) -> DriftReport:
    return drift(TRAINED, sketch(TRAINED, frame), settings)


def test_injected_drift_fires_and_undrifted_data_does_not() -> None:
    same = _rows(1000, 1)
    report = _drift(same)
    assert (report.verdict, report.columns) == ("no drift", ())
    assert report.words == ("No drift in 5 columns over 1,000 rows.",)
    new = pl.when(pl.int_range(pl.len()) % 20 == 0).then(pl.lit("weekly")).otherwise("plan").alias("plan")
    empty_notes = pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise("note").alias("note")
    changed = {
        "age": same.with_columns(pl.col("age") + 5),
        "income": same.with_columns(pl.col("income") * 1.5),
        "constant": same.with_columns(pl.col("constant") + 1),
        "plan": same.with_columns(new),
        "note": same.with_columns(empty_notes),
    }
    for column, frame in changed.items():
        found = _drift(frame)
        assert (found.verdict, found.columns) == ("drift", (column,)), f"drift of {column}: {found.words}"


def test_columns_may_be_left_out_and_a_name_that_is_none_is_told() -> None:
    changed = _rows(1000, 1).with_columns(pl.col("age") + 8, pl.col("income") * 2)
    found = _drift(changed, Drift(ignore=("age",)))
    assert (found.columns, found.unwatched) == (("income",), ("age",))
    assert found.words[0] == "1 of 4 columns drifted over 1,000 rows."
    everything = _drift(changed, Drift(ignore=tuple(TRAINED.columns)))
    assert (everything.verdict, everything.tests) == ("not enough rows", ())
    told = _drift(changed, Drift(ignore=("agee",))).words[-1]
    assert told == "watch.drift.ignore names 'agee', which this version does not know (did you mean 'age'?)."


def test_a_window_is_told_in_words() -> None:
    new = pl.when(pl.int_range(pl.len()) % 20 == 0).then(pl.lit("weekly")).otherwise("plan").alias("plan")
    words = _drift(_rows(1000, 1).with_columns(pl.col("age") + 8, new, pl.col("constant") + 1)).words
    assert words[0] == "3 of 5 columns drifted over 1,000 rows."
    assert any(
        "plan: 5.0% of the values are in categories that training did not have: weekly" in each for each in words
    )
    assert any("constant: 100.0% of the values lie outside the range of training" in each for each in words)
    assert any(each.startswith("age: another distribution than in training (wasserstein 0.") for each in words), words


def test_only_what_training_wrote_can_be_the_baseline() -> None:
    """A comparison of traffic with itself cannot be made: sketches are no baseline, and a baseline is no window."""
    window = sketch(TRAINED, _rows(1000, 1).with_columns(pl.col("age") + 30))
    with pytest.raises((TypeError, AttributeError)):
        Baseline.read(window)
    with pytest.raises(AttributeError):
        drift(window, window)
    with pytest.raises((TypeError, AttributeError)):
        drift(TRAINED, TRAINED)
    live = baseline_of(_rows(1000, 1))
    with pytest.raises(ValueError, match="the sketch of age was made with another baseline"):
        drift(TRAINED, sketch(live, _rows(1000, 1)))


def test_a_field_that_is_not_there_is_an_error_and_one_that_is_left_out_is_told() -> None:
    with pytest.raises(NotFoundError, match="no column 'agee'"):
        _drift(_rows(1000, 1).rename({"age": "agee"}))
    with pytest.raises(ValueError, match="without columns"):
        drift(TRAINED, {})
    assert _drift(_rows(1000, 1).drop("age")).unwatched == ("age",)


def test_few_rows_never_alarm() -> None:
    far = _rows(49, 1).with_columns(pl.col("age") + 500)
    report = _drift(far)
    assert report.verdict == "not enough rows"
    assert "49 rows are not enough" in report.words[0]
    assert {test.verdict for test in report.tests} == {"not enough rows"}
    assert _drift(far.vstack(far[:1])).verdict == "drift", "50 rows are"
    assert drift(TRAINED, empty(TRAINED)).verdict == "not enough rows"
    small = baseline_of(_rows(30, 0))
    assert drift(small, sketch(small, _rows(1000, 1).with_columns(pl.col("age") + 500))).verdict == "not enough rows"


def test_a_difference_without_weight_is_no_drift_however_sure() -> None:
    random = np.random.default_rng(3)
    trained = baseline_of(pl.DataFrame({"x": random.normal(size=200_000)}))
    report = drift(trained, sketch(trained, pl.DataFrame({"x": random.normal(0.05, size=200_000)})))
    first = report.tests[0]
    assert first.p_adjusted is not None
    assert first.p_adjusted < 1e-9
    assert report.verdict == "no drift"
    settings = Drift(thresholds={"wasserstein": 0.04})
    assert drift(
        trained, sketch(trained, pl.DataFrame({"x": random.normal(0.05, size=200_000)})), settings
    ).columns == ("x",)


def test_a_difference_that_chance_makes_is_no_drift_however_large() -> None:
    settings = Drift(thresholds={"wasserstein": 0.001, "jensen_shannon": 0.001, "out_of_range": 1e-6})
    alarms = [_drift(_rows(60, seed), settings).verdict == "drift" for seed in range(200)]
    assert sum(alarms) <= stats.binom.ppf(0.9999, 200, 0.01)


@pytest.mark.parametrize("test", ["psi", "ks", "wasserstein", "chi_square", "jensen_shannon"])
def test_the_chosen_test_is_used_where_it_can_be(test: str) -> None:
    report = _drift(_rows(500, 1), Drift.model_validate({"test": test}))
    used = {(each.column, each.test) for each in report.tests}
    assert ("age", test) in used
    assert ("plan", test if test not in ("ks", "wasserstein") else "jensen_shannon") in used


def test_answers_are_a_column_like_others() -> None:
    random = np.random.default_rng(4)
    trained = baseline_of(pl.DataFrame({ANSWERS: random.beta(2, 5, 1000)}))
    report = drift(trained, sketch(trained, pl.DataFrame({ANSWERS: random.beta(3, 5, 1000)})))
    assert report.answers_drifted
    assert "The model's answers: another distribution" in report.words[1]


def test_a_report_survives_json() -> None:
    report = _drift(_rows(500, 1).with_columns(pl.col("age") + 5))
    assert DriftReport.model_validate_json(report.model_dump_json()) == report


def test_drift_has_to_persist() -> None:
    assert not persists([], bad=1, of=1)
    assert not persists(["drift"], bad=2, of=3)
    assert persists(["drift", "no drift", "drift"], bad=2, of=3)
    assert not persists(["drift", "no drift", "no drift", "drift"], bad=2, of=3), "the first is too long ago"
    assert persists(["drift", "drift", "not enough rows"], bad=2, of=2), "windows that say nothing are passed over"


def test_drift_persists_by_column() -> None:
    fine, age, income = (
        _drift(_rows(500, seed).with_columns(change))
        for seed, change in ((1, pl.col("age")), (2, pl.col("age") + 9), (3, pl.col("income") * 3))
    )
    assert persistent_columns([age, fine, age], bad=2, of=3) == ("age",)
    assert persistent_columns([age, age, income], bad=2, of=3) == (), "one window each: neither column persists"
    assert persistent_columns([], bad=1, of=1) == ()


def test_a_column_that_was_empty_in_training_drifts_when_it_is_filled() -> None:
    empty_column = pl.DataFrame(
        {"x": pl.Series([None] * 100, dtype=pl.Float64), "c": pl.Series([None] * 100, dtype=pl.String)}
    )
    trained = baseline_of(empty_column)
    assert drift(trained, sketch(trained, empty_column)).verdict != "drift"
    nothing = empty_column.with_columns(pl.lit(None).alias("x"), pl.lit(None).alias("c"))
    assert drift(trained, sketch(trained, nothing)).verdict != "drift", "columns without a type are empty, too"
    filled = drift(trained, sketch(trained, pl.DataFrame({"x": [1.0] * 100, "c": ["a"] * 100})))
    assert filled.columns == ("x", "c")
    assert "x: 0.0% of the rows have no value, 100.0% in training" in filled.words[1]
