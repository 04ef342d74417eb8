"""Scores rows with a bundle: this one file, NumPy and ONNX Runtime are all that it takes.

A copy of this file, outside Torneo, is the loader of the MLflow model: `_load_pyfunc(folder)`. Nothing is unpickled,
and every file is checked against digests.json before its content is used.
"""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MODEL, INFO, HOOK, DIGESTS = "model.onnx", "bundle.json", "features.py", "digests.json"
Floats = npt.NDArray[np.float32]
SMALLEST = 1e-6
"""Smaller probabilities are taken for this, where a logarithm is needed."""


class DamagedBundleError(ValueError):
    """A file of the bundle is missing, altered or does not belong there."""


class Scorer:
    """A loaded bundle; it may be used by several threads at once.

    Args:
        folder: where the bundle's files are.
        digest: the digest that was registered; nothing of another bundle is used. None takes what is there.
        threads: how many threads one call may use.

    Raises:
        DamagedBundleError: the files are not those that were written; the message names the file.
    """

    def __init__(self, folder: Path | str, *, digest: str | None = None, threads: int = 1) -> None:
        files = read_verified(Path(folder))
        self.digest: str = hashlib.sha256(files[DIGESTS]).hexdigest()
        """The digest of the whole bundle."""
        if digest is not None and self.digest != digest:
            raise DamagedBundleError(f"{folder}: {DIGESTS} is {self.digest}, but {digest} was registered")
        self.info: dict[str, Any] = json.loads(files[INFO])
        """bundle.json."""
        self.graph = Graph(files[MODEL], threads=threads)
        self._hook = _load_hook(files[HOOK]) if self.info["uses_hook"] else None
        made = tuple(name for name in self.info["contract"] if name != self.info["target"])
        self.columns = tuple(self.graph.inputs) if self._hook is None else made
        """The contract's columns that an answer may depend on."""

    def score(self, columns: Mapping[str, Sequence[Any]]) -> Floats:
        """Predictions (rows,), or probabilities (rows, classes) in the order of `info["classes"]`.

        Args:
            columns: the contract's columns by name, as sequences of equal length; None or NaN is missing.

        Raises:
            ValueError: a column that the model reads is absent, or has a value it cannot take.
        """
        inputs = columns if self._hook is None else self.made(self.typed(columns))
        answers = self.answers(self.graph.feeds(inputs))
        return answers if self.info["classes"] else answers[:, 0]

    def answers(self, feeds: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """Answers (rows, 1) or corrected probabilities (rows, classes) to what `graph.feeds` gave."""
        answers = self.graph.answers(feeds)
        return calibrated(answers, self.info.get("calibration")) if self.info["classes"] else answers

    def predict(self, frame: Any) -> Any:
        """Answers for a pandas or Polars frame, as a frame of the same kind.

        Its columns are `prediction` and, for classification, `probability_<class>`.
        """
        answers = self.score({str(name): frame[name] for name in frame.columns})
        classes = self.info["classes"]
        table: dict[str, Any] = {"prediction": answers}
        if classes:
            table = {"prediction": np.array(classes, dtype=object)[answers.argmax(axis=1)]}
            table |= {f"probability_{name}": answers[:, place] for place, name in enumerate(classes)}
        if type(frame).__module__.startswith("polars"):
            return type(frame)(table)
        return type(frame)(table, index=frame.index)

    def typed(self, columns: Mapping[str, Sequence[Any]]) -> Any:
        """The columns as a Polars frame in the contract's types, which is what the project's hook sees."""
        import polars as pl

        contract = self.info["contract"]
        return pl.DataFrame([_typed(name, columns[name], contract[name]) for name in self.columns if name in columns])

    def made(self, frame: Any) -> Mapping[str, Any]:
        """The columns of a typed frame after the project's hook, if it has one."""
        import polars as pl

        try:
            made = frame if self._hook is None else self._hook(frame)
        except pl.exceptions.ColumnNotFoundError as error:
            absent = [name for name in self.columns if name not in frame.columns]
            raise ValueError(f"{HOOK} reads a column that is absent: {str(error)[:200]}; absent: {absent}") from error
        if not isinstance(made, pl.DataFrame) or made.height != frame.height:
            raise ValueError(f"{HOOK}: features() must give a polars.DataFrame of the {frame.height} rows it was given")
        return {name: made[name] for name in made.columns}


class Graph:
    """An ONNX graph with an input per feature and one output."""

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.inputs = {value.name: value.type == "tensor(string)" for value in self._session.get_inputs()}
        """Input to whether it is text, in the graph's order."""
        self._width = int(self._session.get_outputs()[0].shape[1])

    def run(self, columns: Mapping[str, Any]) -> Floats:
        """The graph's answers (rows, width)."""
        return self.answers(self.feeds(columns))

    def feeds(self, columns: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """What the graph is given: each input (rows, 1), 32-bit floats or text."""
        absent = [name for name in self.inputs if name not in columns]
        if absent:
            raise ValueError(f"column {absent[0]!r} is absent; the model reads {', '.join(self.inputs)}"[:500])
        feeds = {name: values.reshape(-1, 1) for name, values in self._arrays(columns).items()}
        lengths = {len(values) for values in feeds.values()}
        if len(lengths) != 1:
            raise ValueError(f"columns have different lengths: {sorted(lengths)[:5]}")
        return feeds

    def _arrays(self, columns: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """Each input (rows,); plain lists of numbers are converted all at once, which is what makes one row quick."""
        numeric = [name for name, is_text in self.inputs.items() if not is_text]
        plain = all(type(columns[name]) is list for name in numeric)
        block = _block([columns[name] for name in numeric]) if plain and numeric else None
        if block is None:
            arrays: dict[str, npt.NDArray[Any]] = {name: _numbers(name, columns[name]) for name in numeric}
        else:
            arrays = dict(zip(numeric, block, strict=True))
        return arrays | {name: _texts(columns[name]) for name, is_text in self.inputs.items() if is_text}

    def answers(self, feeds: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """The answers (rows, width) to what `feeds` gave, or to a choice of its rows."""
        rows = len(next(iter(feeds.values())))
        if rows == 0:
            return np.empty((0, self._width), dtype=np.float32)
        if rows == 1:  # some kernels round one row otherwise; an answer must not depend on what is asked beside it
            feeds = {name: np.concatenate((values, values)) for name, values in feeds.items()}
        answers: Floats = self._session.run(None, dict(feeds))[0][:rows]
        return answers


def _block(lists: Sequence[Sequence[Any]]) -> Floats | None:
    """The columns as 32-bit floats (columns, rows), or None if they have to be looked at one by one."""
    try:
        numbers = np.array(lists, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if numbers.ndim != 2:
        return None
    with np.errstate(over="ignore"):
        block = numbers.astype(np.float32)
        total = block.sum()
    return block if np.isfinite(total) or not np.isinf(block).any() else None


def _numbers(name: str, values: Any) -> Floats:
    """32-bit floats with NaN for missing."""
    try:
        if type(values).__module__.startswith("pandas"):
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
        with np.errstate(over="ignore"):
            numbers = np.asarray(values, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {name!r}: {str(error)[:200]}") from None
    if np.isinf(numbers).any():
        raise ValueError(f"column {name!r}: a number is infinite, or too large for 32 bits")
    return numbers


def _texts(values: Any) -> npt.NDArray[np.object_]:
    """The one text form of categories, with "" for missing."""
    texts = np.empty(len(values), dtype=object)
    texts[:] = [value if type(value) is str else canonical_text(value) for value in values]
    return texts


def canonical_text(value: Any) -> str:
    """A category as the graph knows it.

    >>> [canonical_text(value) for value in (True, 1, 1.0, 1.5, "01", None, float("nan"))]
    ['true', '1', '1', '1.5', '01', '', '']
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _typed(name: str, values: Any, column: Mapping[str, Any]) -> Any:
    """A Polars column of the contract's type, as the gate gives it to the hook in training."""
    import polars as pl

    kind = column["type"]
    if kind in ("category", "text"):
        return pl.Series(name, [canonical_text(value) or None for value in values], dtype=pl.String)
    plain = [None if canonical_text(value) == "" else value for value in values]
    if kind in ("date", "datetime"):
        series = pl.Series(name, plain, strict=False)
        dtype: Any = pl.Date if kind == "date" else pl.Datetime("us")
        form = column.get("format")
        return series.str.strptime(dtype, form) if series.dtype == pl.String else series.cast(dtype)
    numbers: dict[str, Any] = {"int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean}
    return pl.Series(name, plain, strict=False).cast(numbers[kind])


def calibrated(probabilities: npt.NDArray[Any], calibration: Mapping[str, Any] | None) -> Floats:
    """Probabilities (rows, classes) after their correction, as `bundle.calibration` found it; unchanged without one.

    >>> [f"{share:.3f}" for share in calibrated(np.array([[0.5, 0.5]]), {"slope": 1.0, "shift": [0.0, 1.0]})[0]]
    ['0.269', '0.731']
    """
    if not calibration or len(probabilities) == 0:
        return probabilities
    scores = calibration["slope"] * np.log(np.maximum(probabilities, SMALLEST)) + calibration["shift"]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    answers: Floats = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return answers


def _load_hook(source: bytes) -> Callable[[Any], Any]:
    module = types.ModuleType("torneo_bundle_features")
    exec(compile(source, HOOK, "exec"), module.__dict__)  # noqa: S102 - its digest was checked
    hook: Callable[[Any], Any] = module.__dict__["features"]
    return hook


def read_verified(folder: Path) -> dict[str, bytes]:
    """The bundle's files, each read once and equal to its digest.

    Raises:
        DamagedBundleError: a file is missing, altered, a link, or does not belong there.
    """
    present = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    if DIGESTS not in present:
        raise DamagedBundleError(f"{folder}: {DIGESTS} is missing")
    files = {DIGESTS: present[DIGESTS].read_bytes()}
    digests = _parse_digests(files[DIGESTS], folder)
    for name in sorted({*present, *digests} - {DIGESTS}):
        if name not in digests:
            raise DamagedBundleError(f"{folder}: {name} does not belong to the bundle")
        if name not in present:
            raise DamagedBundleError(f"{folder}: {name} is missing")
        if present[name].is_symlink() or not present[name].is_file():
            raise DamagedBundleError(f"{folder}: {name} is not a plain file")
        files[name] = present[name].read_bytes()
        digest = hashlib.sha256(files[name]).hexdigest()
        if digest != digests[name]:
            raise DamagedBundleError(f"{folder}: {name} was altered: its sha256 is {digest}, not {digests[name]}")
    return files


def _parse_digests(content: bytes, folder: Path) -> dict[str, str]:
    try:
        digests = json.loads(content)
    except ValueError:
        raise DamagedBundleError(f"{folder}: {DIGESTS} is not JSON") from None
    allowed, required = {MODEL, INFO, HOOK}, {MODEL, INFO}
    if not isinstance(digests, dict) or not required <= set(digests) <= allowed:
        raise DamagedBundleError(f"{folder}: {DIGESTS} must name {MODEL}, {INFO} and at most {HOOK}")
    return digests


def _load_pyfunc(path: str) -> Scorer:
    """What MLflow calls to load the model whose data is the bundle's folder."""
    return Scorer(path)
