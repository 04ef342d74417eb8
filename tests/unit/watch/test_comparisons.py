from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from scipy import stats

from torneo.spec.watching import DistributionTest, TestName
from torneo.watch.cells import cells
from torneo.watch.comparisons import AUTO, TESTS, Measured
from torneo.watch.sketch import Numbers, sketch
from unit.watch.making import baseline_of

Floats = npt.NDArray[np.float64]
NUMERIC = [name for name, test in TESTS.items() if "numeric" in test.kinds and name not in ("missing", "out_of_range")]
CATEGORICAL: tuple[TestName, ...] = ("psi", "chi_square", "jensen_shannon")


def _measure(test: TestName, before: object, now: object) -> Measured:
    trained = baseline_of(pl.DataFrame({"x": before}))
    return TESTS[test].measure(trained.columns["x"], sketch(trained, pl.DataFrame({"x": now}))["x"])


def test_every_test_that_a_project_may_name_is_there() -> None:
    assert set(TESTS) == set(get_args(TestName))
    assert {*get_args(DistributionTest)} - {"auto"} <= set(TESTS)
    assert all(kind in TESTS[test].kinds for kind, test in AUTO.items())


@pytest.mark.parametrize("test", NUMERIC)
@pytest.mark.parametrize(("before", "now"), [(300, 50), (5000, 200), (400, 5000)])
def test_p_values_of_undrifted_numbers_are_no_smaller_than_they_should_be(
    test: TestName, before: int, now: int
) -> None:
    random = np.random.default_rng(7)
    found = np.array(
        [_measure(test, random.gamma(2, size=before), random.gamma(2, size=now)).p_value for _ in range(300)]
    )
    for level in (0.5, 0.1, 0.02):
        upper = stats.binom.ppf(0.9999, 300, level) / 300
        assert (found <= level).mean() <= upper, f"{(found <= level).mean():.1%} of p-values are below {level:.0%}"


@pytest.mark.parametrize("test", CATEGORICAL)
def test_p_values_of_undrifted_categories_are_no_smaller_than_they_should_be(test: TestName) -> None:
    random = np.random.default_rng(8)
    names, chances = [f"c{number}" for number in range(40)], 1 / np.arange(1, 41)
    chances /= chances.sum()
    found = np.array(
        [
            _measure(test, random.choice(names, 800, p=chances), random.choice(names, 150, p=chances)).p_value
            for _ in range(300)
        ]
    )
    for level in (0.5, 0.1, 0.02):
        upper = stats.binom.ppf(0.9999, 300, level) / 300
        assert (found <= level).mean() <= upper, f"{(found <= level).mean():.1%} of p-values are below {level:.0%}"


@pytest.mark.parametrize("test", NUMERIC)
@pytest.mark.parametrize("change", ["shift", "scale"])
def test_a_changed_distribution_is_found(test: TestName, change: str) -> None:
    random = np.random.default_rng(9)
    now = random.normal(size=2000)
    found = _measure(test, random.normal(size=5000), now + 1 if change == "shift" else now * 2)
    assert found.p_value < 1e-12
    assert found.effect > TESTS[test].threshold


def test_the_stability_index_of_a_shift_is_its_square() -> None:
    random = np.random.default_rng(10)
    found = _measure("psi", random.normal(size=200_000), random.normal(size=200_000) + 0.5)
    assert found.statistic == pytest.approx(0.25, rel=0.1), "two unit normals: the symmetric divergence is the shift²"


def test_the_stability_index_of_few_rows_is_freed_of_what_chance_adds() -> None:
    random = np.random.default_rng(11)
    found = [_measure("psi", random.normal(size=1000), random.normal(size=100)) for _ in range(200)]
    raw, corrected = (np.mean([getattr(each, name) for each in found]) for name in ("statistic", "effect"))
    assert raw > 0.08, "the usual 0.1 would often be passed"
    assert corrected < 0.03


def test_the_distance_in_deviations_is_that_of_the_values() -> None:
    random = np.random.default_rng(12)
    before, now = random.gamma(2, size=4000), random.gamma(2.4, size=3000).clip(max=8)
    exact = stats.wasserstein_distance(before, now) / before.std(ddof=1)
    assert _measure("wasserstein", before, now).statistic == pytest.approx(exact, abs=0.01)


def test_the_binned_distance_is_below_the_exact_one_by_less_than_a_bin() -> None:
    random = np.random.default_rng(13)
    before, now = random.normal(size=5000), random.normal(0.2, size=1000)
    exact = stats.ks_2samp(before, now).statistic
    assert exact - 0.01 <= _measure("ks", before, now).statistic <= exact


def test_divergence_and_chi_square_are_those_of_the_cells() -> None:
    names = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    now = ["a"] * 30 + ["b"] * 50 + ["c"] * 20
    first, second = np.array([0.6, 0.3, 0.1]), np.array([0.3, 0.5, 0.2])
    middle = (first + second) / 2
    bits = (stats.entropy(first, middle, base=2) + stats.entropy(second, middle, base=2)) / 2
    assert _measure("jensen_shannon", names, now).statistic == pytest.approx(np.sqrt(bits))
    table = stats.chi2_contingency([[60, 30, 10], [30, 50, 20]], correction=False)
    found = _measure("chi_square", names, now)
    assert (found.statistic, found.p_value) == (pytest.approx(table.statistic), pytest.approx(table.pvalue))


def test_values_beyond_the_range_are_as_likely_as_ranks_say() -> None:
    found = _measure("out_of_range", np.arange(100.0), np.r_[np.full(98, 50.0), 200.0, 300.0])
    assert found.statistic == 0.02
    assert found.p_value == pytest.approx(2 * (100 * 99) / (200 * 199))


def test_rare_categories_that_happen_to_be_new_are_no_news() -> None:
    random = np.random.default_rng(14)
    found = [
        _measure(
            "unseen_category",
            [f"s{n}" for n in random.zipf(1.5, 400).clip(max=2000)],
            [f"s{n}" for n in random.zipf(1.5, 200).clip(max=2000)],
        )
        for _ in range(200)
    ]
    assert np.mean([each.statistic for each in found]) > 0.05, "many values are in new categories"
    assert np.mean([each.p_value < 0.05 for each in found]) <= 0.1


def test_a_new_category_is_found() -> None:
    found = _measure("unseen_category", ["a", "b"] * 500, ["a", "b"] * 95 + ["new"] * 10)
    assert (found.effect, found.p_value < 1e-6) == (0.05, True)


def test_cells_are_few_and_full() -> None:
    random = np.random.default_rng(15)
    before, now = random.normal(size=1000), random.normal(size=60)
    trained = baseline_of(pl.DataFrame({"x": before}))
    base, window = trained.columns["x"], sketch(trained, pl.DataFrame({"x": now}))["x"]
    assert isinstance(base, Numbers)
    both = cells(base, window)
    together = both.window + both.base
    assert 8 <= len(both) <= 10
    assert (together.sum(), together.min() * 60 / 1060 >= 5) == (1060, True)
