"""Frozen results that pass between stages, stores and people. Times and durations are not part of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torneo.spec.frozen import Frozen
from torneo.spec.project import Scalar, Task

LINE = "__line__"
"""The column of snapshots and quarantines that holds a row's line (from 1) in its source."""
REASONS = "__reasons__"
"""The column of quarantines that holds the list of reasons."""
ANSWERS, ERRORS = "__answers__", "__errors__"
"""Names in a bundle's baseline of what is no column: the model's answers, and its errors by prediction bins."""

Verdict = Literal["promote", "keep", "inconclusive"]
Protocol = Literal["holdout", "nested_cv"]


def digest_of(value: Any) -> str:
    """The sha256 of a value's canonical JSON.

    >>> digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes, which are not all in memory at once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Table(Frozen):
    """A Parquet file in the object store, named by its content."""

    key: str
    """The object's key."""
    digest: str
    """The sha256 of the file."""
    rows: int


class Snapshot(Frozen):
    """The data as it came: all source columns plus `__line__`, immutable."""

    table: Table
    source: str
    """The URI that was read, without secrets."""
    file: str
    """The name of the file (or query) that `__line__` counts in."""
    fingerprint: str
    """The digest of the source's content."""
    columns: tuple[str, ...]
    """The headers of the source, in its order."""
    unmatched: Mapping[str, int] = {}
    """Joined table to the rows that found nothing in it."""


class GateReport(Frozen):
    """What the gate did with each row: rows = accepted + rejected + left_out + outside_window."""

    rows: int
    accepted: Table
    """Contract columns in their types, plus `__line__`."""
    rejected: Table
    """All source columns as they came, plus `__line__` and `__reasons__`."""
    left_out: int
    """Rows for which `where` is not true."""
    withheld: Table | None = None
    """Of a load: the keys, in their types, of rows that the source has and that are not accepted: refused ones, and
    where the key does not tell the day, those of other days."""
    outside_window: int = 0
    """Rows whose day is not in the window of the run."""
    undated: int = 0
    """Refused rows whose day cannot be read, so that they may belong to any window."""
    reasons: Mapping[str, int]
    """How many rows carry each reason."""
    unknown_columns: tuple[str, ...] = ()
    """Source columns that the contract does not name."""
    events: GateReport | None = None
    """Where rows are made from events: what the gate did with each event before."""


class Feature(Frozen):
    """One input of the model."""

    name: str
    kind: Literal["numeric", "categorical"]
    categories: tuple[str, ...] | None = None
    """The values of a categorical feature, where the contract lists them."""


class Prepared(Frozen):
    """Training and judging rows: contract columns, features made by hooks, and `__line__`."""

    train: Table
    test: Table
    features: tuple[Feature, ...]
    trimmed: int
    """Outliers left out of the training rows."""
    description: str
    """The object key of data.json, which describes both tables."""
    digest: str
    """The digest of everything a model depends on in this preparation."""
    warnings: tuple[str, ...] = ()


class Trial(Frozen):
    """One candidate of a search."""

    params: Mapping[str, Scalar]
    scores: tuple[float, ...]
    """The metric on each fold that was computed."""
    pruned: bool = False


class BundleRef(Frozen):
    """A bundle in the object store."""

    key: str
    """The prefix under which its files are."""
    digest: str
    """The digest of all its files."""


class Trained(Frozen):
    """A challenger that has been fitted, exported and proven equal to its export."""

    name: str
    family: str
    params: Mapping[str, Scalar]
    features: tuple[str, ...]
    """The inputs that the model reads after selection."""
    cv: Mapping[str, tuple[float, ...]]
    """Metric to score per fold, on training rows."""
    trials: tuple[Trial, ...]
    stopped: str
    """Why the search ended."""
    bundle: BundleRef
    metrics: Mapping[str, float]
    """Metric to value on the judge's rows."""
    measured: Mapping[str, float]
    """What depends on the machine: `latency_ms` of one row on one core."""
    run_id: str = ""
    """The tracked run."""
    complete: bool = True
    """False where somebody interrupted the search: the next run goes on with it."""


class Comparison(Frozen):
    """A challenger against the champion on the same rows; a positive gain is better."""

    challenger: str
    metric: str
    champion_score: float
    challenger_score: float
    gain: float
    low: float
    """Lower end of the two-sided interval of the gain at the judge's confidence."""
    high: float
    p_value: float
    """One-sided: the chance of such a gain if the challenger were not better by `min_gain`."""
    p_adjusted: float
    """After Holm's correction for the number of challengers."""
    test: str
    """The statistical test, by name."""
    rows: int
    verdict: Verdict


class GuardrailResult(Frozen):
    """One bar and how a challenger did."""

    challenger: str
    name: str
    bar: str
    value: float
    passed: bool


class Decision(Frozen):
    """Who becomes champion, why, and on what evidence."""

    verdict: Verdict
    winner: str | None
    """The challenger that is promoted."""
    champion: str | None
    """The champion before the decision, as `version N`, or None."""
    metric: str
    confidence: float
    min_gain: float
    protocol: Protocol
    rows: int
    scores: Mapping[str, float]
    """The deciding metric by challenger (and `champion`), on the same rows."""
    comparisons: tuple[Comparison, ...] = ()
    guardrails: tuple[GuardrailResult, ...] = ()
    vetoes: Mapping[str, tuple[str, ...]] = {}
    """Why a challenger could not be promoted whatever its score."""
    words: tuple[str, ...] = ()
    """The decision told to a person, a sentence each."""


class Decided(Frozen):
    """A decision with the versions it was about."""

    decision: Decision
    versions: Mapping[str, int]
    """Challenger to registered version."""
    champion: int | None
    """The version that is champion after the decision."""


class Lineage(Frozen):
    """What a bundle was made from, by digest."""

    snapshot: str
    prepared: str
    recipe: str
    code: str


class BundleInfo(Frozen):
    """bundle.json: all that serving and watching need besides the ONNX graph."""

    format: Literal[1] = 1
    project: str
    task: Task
    target: str
    classes: tuple[str, ...]
    challenger: str
    family: str
    recipe: Mapping[str, Any] = {}
    """The challenger and the preparation, as in project.yaml: enough to fit the recipe again on other rows."""
    contract: Mapping[str, Any]
    """The contract's columns, as in project.yaml."""
    features: tuple[Feature, ...]
    """The inputs of the graph, in its order."""
    uses_hook: bool
    """Whether features.py (in the bundle) must run before the graph."""
    metrics: Mapping[str, float]
    interval: Mapping[str, float]
    """`share` and `half_width` of the split-conformal interval (regression), else empty."""
    calibration: Mapping[str, Any] = {}
    """`slope` and `shift` that correct the probabilities (classification), where there are enough rows, else empty."""
    baseline: Mapping[str, Any]
    """For drift: per column the distribution of the training rows, as `bundle.baseline` describes it; `__answers__` is
    that of the model's answers to the judge's rows, `__errors__` has a regression's errors by prediction bins."""
    background: Mapping[str, tuple[Scalar, ...]]
    """A sample of training rows, for explanations: the contract's columns that answers depend on; dates in ISO 8601."""
    lineage: Lineage
