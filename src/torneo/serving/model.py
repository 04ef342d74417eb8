"""A version as it serves: its bundle, the contract it was trained with, and how its answers are made. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from torneo.bundle.load import load
from torneo.bundle.scorer import Floats, Scorer
from torneo.promotion import Champion
from torneo.serving.inputs import Decoder
from torneo.spec.columns import Column, canonical_text


class NoAnswerError(ValueError):
    """The model has no finite answer for some rows."""

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__(f"no finite answer for {len(rows)} rows")
        self.rows = rows


@dataclass(frozen=True)
class Model:
    """One version of one project, ready to answer; it may be used by several threads at once."""

    version: int
    challenger: str
    scorer: Scorer

    @classmethod
    def open(cls, champion: Champion, folder: Path, *, threads: int = 1) -> Model:
        """Load a version from its bundle's folder, and let it answer once, so that the first request does not wait.

        Raises:
            BundleError: the folder does not have the bundle that was registered.
            GateError: the contract has a rule that does not exist here.
        """
        model = cls(champion.number, champion.challenger, load(folder, champion.digest, threads=threads))
        model.decoder.decode([{}])
        background = model.scorer.info["background"]
        if all(name in background for name in model.read):
            model.scorer.score({name: list(background[name][:1]) for name in model.read})
        return model

    @property
    def digest(self) -> str:
        """The digest of the bundle."""
        return self.scorer.digest

    @property
    def target(self) -> str:
        """The column that is predicted."""
        return str(self.scorer.info["target"])

    @cached_property
    def target_column(self) -> Column:
        """What the contract says of it."""
        return Column.model_validate(self.scorer.info["contract"][self.target])

    @cached_property
    def contract(self) -> Mapping[str, Column]:
        """The columns that a request may have: those of the contract that the version was trained with."""
        columns = self.scorer.info["contract"]
        return {name: Column.model_validate(column) for name, column in columns.items() if name != self.target}

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The contract's columns that an answer depends on, those that features.py reads among them."""
        known = tuple(self.scorer.info["background"])
        return known if self.scorer.info["uses_hook"] and set(known) <= set(self.contract) else self.scorer.columns

    @cached_property
    def decoder(self) -> Decoder:
        """Reads requests. A column is required if the model reads it and its contract says it is never empty."""
        required = frozenset(name for name in self.read if not self.contract[name].nullable)
        return Decoder(self.contract, required)

    @cached_property
    def classes(self) -> tuple[Any, ...]:
        """The classes as the contract writes them (1, not "1"), in the order of the probabilities."""
        target = self.target_column
        if target.type == "bool":
            return tuple(name == "true" for name in self.scorer.info["classes"])
        written = {canonical_text(value): value for value in target.values or ()}
        return tuple(written.get(name, name) for name in self.scorer.info["classes"])

    def answers(self, columns: Mapping[str, Sequence[Any]]) -> Sequence[dict[str, Any]]:
        """One answer per row: `prediction`, with `interval` (regression) or `probabilities` by class.

        Args:
            columns: the contract's columns by name, in its types; None is missing.

        Raises:
            NoAnswerError: numbers so large that the model's own become infinite, which JSON cannot say.
        """
        scores = self.scorer.score(columns)
        finite = np.isfinite(scores)
        if not finite.all():
            raise NoAnswerError(np.flatnonzero(~finite.reshape(len(scores), -1).all(axis=1)).tolist())
        return self.written(scores)

    def predictions(self, scores: Floats) -> list[Any]:
        """The predicted values (rows,), or the most probable classes as the contract writes them."""
        if not self.scorer.info["classes"]:
            values: list[Any] = scores.tolist()
            return values
        return [self.classes[place] for place in scores.argmax(axis=1).tolist()]

    @cached_property
    def half_width(self) -> float | None:
        """Half the width of prediction intervals; None where there are none."""
        width: float | None = self.scorer.info["interval"].get("half_width")
        return width

    def written(self, scores: Floats) -> Sequence[dict[str, Any]]:
        """The answers that scores (rows,) or (rows, classes) stand for."""
        names, width = self.scorer.info["classes"], self.half_width
        predictions = self.predictions(scores)
        if names:
            return [
                {"prediction": best, "probabilities": dict(zip(names, row, strict=True))}
                for best, row in zip(predictions, scores.tolist(), strict=True)
            ]
        if width is None:
            return [{"prediction": value} for value in predictions]
        share = self.scorer.info["interval"]["share"]
        return [
            {"prediction": value, "interval": {"low": value - width, "high": value + width, "share": share}}
            for value in predictions
        ]

    def table(self, scores: Floats) -> dict[str, list[Any]]:
        """The same by column: `prediction`, with `probability_<class>`, or `interval_low` and `interval_high`."""
        table, width = {"prediction": self.predictions(scores)}, self.half_width
        for place, name in enumerate(self.scorer.info["classes"]):
            table[f"probability_{name}"] = scores[:, place].tolist()
        if width is not None:
            table["interval_low"] = [value - width for value in table["prediction"]]
            table["interval_high"] = [value + width for value in table["prediction"]]
        return table
