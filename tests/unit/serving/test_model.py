"""A version as it serves: what it asks for, and how its answers are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.bundle.making import make

from served import ROW, Trained, serve
from torneo.bundle.load import load
from torneo.errors import BundleError
from torneo.serving.model import Model, NoAnswerError


@pytest.fixture
def model(trained: Trained, tmp_path: Path) -> Model:
    return serve(trained, tmp_path).endpoint.ready.champion


def test_it_asks_for_what_the_model_reads_and_takes_what_the_contract_has(model: Model) -> None:
    assert "y" not in model.contract, "the target is asked for"
    assert model.decoder.required == {"shop", "b", "colour"}
    needed = {name: ROW[name] for name in model.decoder.required}
    assert not model.decoder.decode([needed]).findings
    assert [finding.reason for finding in model.decoder.decode([{}]).findings] == [
        "missing_b",
        "missing_colour",
        "missing_shop",
    ]


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_an_answer_that_json_cannot_say_is_none(model: Model, monkeypatch: pytest.MonkeyPatch, broken: float) -> None:
    scores = np.array([[0.2, 0.8], [broken, 0.1], [0.5, 0.5], [0.1, broken]], dtype=np.float32)

    def score(self: object, columns: Mapping[str, Sequence[Any]]) -> Any:
        return scores

    monkeypatch.setattr(type(model.scorer), "score", score)
    with pytest.raises(NoAnswerError, match="no finite answer for 2 rows") as caught:
        model.answers({})
    assert caught.value.rows == [1, 3]


def test_another_bundle_than_the_registered_one_is_not_opened(trained: Trained, tmp_path: Path) -> None:
    serve(trained, tmp_path)
    folder = tmp_path / trained.versions[0].digest
    with pytest.raises(BundleError, match=f"but {trained.versions[1].digest} was registered"):
        Model.open(trained.versions[1], folder)


def test_a_hook_asks_only_for_the_columns_that_it_reads(tmp_path: Path) -> None:
    made = make(tmp_path / "bundle")
    model = Model(1, "simple", load(made.folder, made.digest))
    assert model.read == ("day", "size", "kind")
    assert model.decoder.required == {"day", "kind"}, "the id is never empty, and nothing depends on it"
    row = {"day": "2024-03-01", "size": 5000.0, "kind": "x"}
    with_id, without = (model.answers(model.decoder.decode([each]).columns) for each in ({**row, "id": 7}, row))
    assert with_id == without
