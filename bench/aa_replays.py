"""A/A replays: how often the judge promotes a challenger that is no better, and how often one that is.

Each replay shuffles a real data set, trains two models of identical skill (champion and challenger), judges them, and
counts promotions; these may not exceed 1 - confidence. The same with a challenger that is truly better gives the
judge's power. `python bench/aa_replays.py --repetitions 200`; telco joins in where its file is (`--data`, TORNEO_DATA).

Cross-validation judges recipes, so two fits of one recipe are an A/A pair. A holdout judges the two models at hand, and
two fits of one recipe are not quite equally good; finding the better of them is no mistake. Models of exactly equal
skill are made of such a pair by tossing a coin for each row: who answers as champion, who as challenger.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from torneo.judge import Predictions, Rules, decide
from torneo.metrics import metric
from torneo.spec.records import Protocol

ROWS = 2_000
"""Larger sets are sampled anew to so many rows in each replay."""
CHEAP = 2
"""A holdout's replay costs little, so there are so many times more of them."""


@dataclass(frozen=True, eq=False)
class Data:
    """A real data set."""

    name: str
    X: Any
    y: Any
    classification: bool
    metric: str


@dataclass(frozen=True)
class Replay:
    """One line of the table."""

    data: Data
    protocol: Protocol
    pair: str

    @property
    def stated(self) -> str:
        """What the judge promises: `equal` and `better` pairs, or neither."""
        if self.pair == BETTER:
            return "better"
        return "nearly equal" if (self.protocol, self.pair) == ("holdout", "forest seeds") else "equal"


@dataclass(frozen=True)
class Rate:
    """How often the challenger was promoted."""

    replay: Replay
    promoted: int
    inconclusive: int
    repetitions: int

    @property
    def share(self) -> float:
        """Promotions per replay."""
        return self.promoted / self.repetitions


def forest(data: Data, seed: int, depth: int | None = None) -> Any:
    """A small random forest."""
    family = RandomForestClassifier if data.classification else RandomForestRegressor
    return family(n_estimators=5, min_samples_leaf=3, max_depth=depth, max_features="sqrt", random_state=seed)


def linear(data: Data) -> Any:
    """A regularised linear model."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300) if data.classification else Ridge())


def forest_seeds(data: Data, X: Any, y: Any, random: np.random.Generator) -> tuple[Any, Any]:
    """Identical skill: one family, the same rows, two seeds."""
    first, second = random.integers(0, 2**31, 2)
    return forest(data, first).fit(X, y), forest(data, second).fit(X, y)


def bootstrapped_rows(data: Data, X: Any, y: Any, random: np.random.Generator) -> tuple[Any, Any]:
    """Identical skill as recipes: one family, two bootstrap samples of the training rows."""
    samples = [random.integers(0, len(y), len(y)) for _ in range(2)]
    first, second = (linear(data).fit(X[rows], y[rows]) for rows in samples)
    return first, second


def deeper_forest(data: Data, X: Any, y: Any, random: np.random.Generator) -> tuple[Any, Any]:
    """A truly better challenger: a full forest against one of stumps."""
    first, second = random.integers(0, 2**31, 2)
    return forest(data, first, depth=1).fit(X, y), forest(data, second).fit(X, y)


BETTER = "stumps, then full forest"
PAIRS: dict[str, Callable[[Data, Any, Any, np.random.Generator], tuple[Any, Any]]] = {
    "forest seeds": forest_seeds,
    "bootstrapped rows": bootstrapped_rows,
    "coin between forests": forest_seeds,
    BETTER: deeper_forest,
}
PROTOCOLS: dict[Protocol, tuple[str, ...]] = {
    "holdout": ("coin between forests", "forest seeds", BETTER),
    "nested_cv": ("forest seeds", "bootstrapped rows", BETTER),
}


def bundled() -> Iterator[Data]:
    """Real sets that come with scikit-learn."""
    cancer, diabetes, digits = load_breast_cancer(), load_diabetes(), load_digits()
    yield Data("breast_cancer", cancer.data, cancer.target, True, "auc")
    yield Data("diabetes", diabetes.data, diabetes.target, False, "rmse")
    yield Data("digits, odd or even", digits.data, digits.target % 2, True, "accuracy")


def telco(folder: Path) -> Iterator[Data]:
    """The telco customers' churn, if the file is there."""
    file = folder / "telco_customer_churn.csv"
    if file.is_file():
        frame = pl.read_csv(file, infer_schema=False).drop("customerID")
        target = (frame.get_column("Churn") == "Yes").cast(pl.Int64).to_numpy()
        frame = frame.drop("Churn").with_columns(
            pl.col("tenure", "MonthlyCharges", "TotalCharges").cast(pl.Float64, strict=False).fill_null(0.0)
        )
        yield Data("telco", frame.to_dummies(pl.selectors.string()).to_numpy().astype(float), target, True, "auc")


def predict(data: Data, model: Any, X: Any) -> Any:
    """Predictions in the judge's form."""
    return model.predict_proba(X) if data.classification else model.predict(X)


def judged(replay: Replay, seed: int) -> tuple[Predictions, Predictions]:
    """Champion's and challenger's predictions for one replay."""
    data, random = replay.data, np.random.default_rng(seed)
    rows = random.permutation(len(data.y))[:ROWS]
    X, y = data.X[rows], data.y[rows]
    parts: list[tuple[Any, Any, int, int]] = []
    if replay.protocol == "holdout":
        train, test = train_test_split(
            np.arange(len(y)), test_size=0.25, random_state=seed, stratify=y if data.classification else None
        )
        parts.append((train, test, 0, 0))
    else:
        family = StratifiedKFold if data.classification else KFold
        for repeat in range(2):
            splits = family(5, shuffle=True, random_state=seed * 2 + repeat).split(X, y)
            parts.extend((train, test, repeat, fold) for fold, (train, test) in enumerate(splits))
    found: tuple[list[Any], list[Any]] = ([], [])
    for train, test, _, _ in parts:
        answers = np.stack(
            [predict(data, model, X[test]) for model in PAIRS[replay.pair](data, X[train], y[train], random)]
        )
        if replay.pair == "coin between forests":
            coin = random.integers(0, 2, len(test))
            answers = np.stack([answers[coin, np.arange(len(test))], answers[1 - coin, np.arange(len(test))]])
        for models, answer in zip(found, answers, strict=True):
            models.append(answer)
    lines = np.concatenate([test for _, test, _, _ in parts])
    repeats = np.concatenate([np.full(len(test), repeat) for _, test, repeat, _ in parts])
    folds = np.concatenate([np.full(len(test), fold) for _, test, _, fold in parts])
    first, second = (Predictions(y[lines], np.concatenate(each), repeats, folds, line=rows[lines]) for each in found)
    return first, second


def outcome(replay: Replay, seed: int, confidence: float) -> str:
    """The verdict of one replay."""
    champion, challenger = judged(replay, seed)
    rules = Rules(metric(replay.data.metric), replay.protocol, confidence, resamples=50)
    return decide(
        {"challenger": challenger}, rules, selection={"challenger": 0.0}, champion=champion, label="version 1"
    ).verdict


def rate(replay: Replay, repetitions: int, confidence: float, jobs: int) -> Rate:
    """Replay as often as asked."""
    verdicts = Parallel(n_jobs=jobs)(delayed(outcome)(replay, seed, confidence) for seed in range(repetitions))
    return Rate(replay, verdicts.count("promote"), verdicts.count("inconclusive"), repetitions)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    width = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    return max(0.0, centre - width), min(1.0, centre + width)


def cells(found: Rate, level: float) -> list[str]:
    """A line of the table."""
    low, high = wilson(found.promoted, found.repetitions)
    replay = found.replay
    stated = {"equal": f"≤ {level:.0%}", "nearly equal": f"about {level:.0%}", "better": "the more the better"}
    data = replay.data
    numbers = [f"{found.share:.1%}", f"{low:.1%} to {high:.1%}", f"{found.inconclusive / found.repetitions:.0%}"]
    return [
        data.name,
        data.metric,
        replay.protocol,
        replay.pair,
        str(found.repetitions),
        *numbers,
        stated[replay.stated],
    ]


HEADS = ["data", "metric", "protocol", "champion, challenger", "replays"]
HEADS += ["promoted", "95 % interval", "inconclusive", "stated"]


def main() -> int:
    """Run the replays; 1 if a rate is above its stated level beyond chance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TORNEO_DATA", "data")))
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table too")
    options = parser.parse_args()
    level = 1 - options.confidence
    begun = time.monotonic()
    replays = [
        Replay(data, protocol, pair)
        for data in [*bundled(), *telco(options.data)]
        for protocol, pairs in PROTOCOLS.items()
        for pair in pairs
    ]
    table = Table(*HEADS, title="A/A replays and power")
    rates = []
    for replay in replays:
        repetitions = options.repetitions * (CHEAP if replay.protocol == "holdout" else 1)
        rates.append(rate(replay, repetitions, options.confidence, options.jobs))
        table.add_row(*cells(rates[-1], level))
        print(*cells(rates[-1], level), sep=" | ", file=sys.stderr, flush=True)
    console = Console()
    console.print(table)
    console.print(f"{time.monotonic() - begun:.0f} s")
    if options.markdown:
        for line in [HEADS, ["---"] * len(HEADS), *(cells(each, level) for each in rates)]:
            print("|", " | ".join(line), "|")
    equal = [each for each in rates if each.replay.stated == "equal"]
    return 1 if any(wilson(each.promoted, each.repetitions)[0] > level for each in equal) else 0


if __name__ == "__main__":
    sys.exit(main())
