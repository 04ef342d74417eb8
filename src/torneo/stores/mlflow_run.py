"""What MLflow is told of a run."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from torneo.ports import TrackedRun

Item = TypeVar("Item")

NAME_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
METRICS_AT_ONCE = 1000
TEXTS_AT_ONCE = 50
"""MLflow's limits are 1000 metrics, 100 parameters or tags, and a megabyte."""


def log(client: Any, run_id: str, run: TrackedRun) -> None:
    """Log parameters, metrics with their steps, tags and the data set, in as few calls as MLflow allows."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    metrics = [Metric(_name(name), value, now, 0) for name, value in run.metrics.items()]
    for name, values in _series(run).items():
        metrics.extend(Metric(_name(name), value, now, step) for step, value in enumerate(values))
    params = [Param(_name(name), _cut(value, PARAM_LENGTH)) for name, value in run.params.items()]
    tags = {**run.tags, "torneo.dataset": run.dataset_digest}
    texts = [RunTag(_name(name), _cut(value, TAG_LENGTH)) for name, value in tags.items()]
    for some in _batches(metrics, METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=some)
    for some_params in _batches(params, TEXTS_AT_ONCE):
        client.log_batch(run_id, params=some_params)
    for some_tags in _batches(texts, TEXTS_AT_ONCE):
        client.log_batch(run_id, tags=some_tags)
    client.log_inputs(run_id, [_dataset(run)])


def _dataset(run: TrackedRun) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(run.project, run.dataset_digest[:36], "torneo", f"sha256:{run.dataset_digest}")
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _series(run: TrackedRun) -> Mapping[str, Sequence[float]]:
    """The series; one that has a metric's name gets another, since MLflow would show its last value as the metric."""
    return {f"{name}/steps" if name in run.metrics else name: values for name, values in run.series.items()}


def _name(text: str) -> str:
    """A name with the characters that MLflow allows.

    >>> _name("error (USD) %")
    'error _USD_ _'
    """
    return re.sub(r"[^\w. /:-]", "_", text)[:NAME_LENGTH]


def _cut(value: object, length: int) -> str:
    text = str(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _batches(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
