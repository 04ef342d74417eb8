"""Outcomes beside answers, as metrics read them."""

from __future__ import annotations

import datetime
import json

from torneo.ports import LogFilter
from torneo.testing import MemoryPredictionLog
from torneo.testing.small_log import FIRST, outcome, prediction
from torneo.watchdog.outcomes import labelled

ALL, SECOND = LogFilter(), datetime.timedelta(seconds=1)


def log_of(*answers: object) -> MemoryPredictionLog:
    log = MemoryPredictionLog()
    log.append([prediction(place, output=json.dumps(answer)) for place, answer in enumerate(answers)])
    return log


def test_values() -> None:
    log = log_of({"prediction": 1.5}, {"prediction": 2}, {"prediction": 3})
    log.add_outcomes([outcome(0, 1), outcome(1, 2.5)])
    found = labelled(log, "housing", (), ALL)
    assert (found.actual.tolist(), found.predicted.tolist()) == ([1.0, 2.5], [1.5, 2.0])
    assert found.parsed() == [{"rooms": 0}, {"rooms": 1}]


def test_classes_are_numbered_as_the_project_does_and_others_left_out() -> None:
    log = log_of(*[{"prediction": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}] * 3)
    log.add_outcomes([outcome(0, "yes"), outcome(1, "no"), outcome(2, "perhaps")])
    found = labelled(log, "housing", ("no", "yes"), ALL)
    assert (found.actual.tolist(), found.predicted.tolist()) == ([1, 0], [[0.25, 0.75]] * 2)


def test_only_what_was_reported_in_the_window_by_the_last_word() -> None:
    log = log_of(*[{"prediction": 1}] * 3)
    log.add_outcomes([outcome(n, n, after=100 * n) for n in range(3)])
    log.add_outcomes([outcome(0, 9, after=150)])
    found = labelled(log, "housing", (), ALL, FIRST + 100 * SECOND, FIRST + 200 * SECOND)
    assert found.actual.tolist() == [9.0, 1.0], "a correction counts when it comes"


def test_shadows_answer_nobody_and_nothing_is_nothing() -> None:
    log = MemoryPredictionLog()
    log.append([prediction(0, role="shadow", output='{"prediction": 1}')])
    log.add_outcomes([outcome(0, 1)])
    assert len(labelled(log, "housing", (), ALL)) == 0
    assert labelled(log, "housing", ("a", "b"), ALL).predicted.shape == (0, 2)
