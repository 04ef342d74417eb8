"""What an endpoint answers, and what it tells the log of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from served import ROW, Served, Trained, call, serve
from torneo.errors import UnavailableError
from torneo.serving.endpoint import InvalidRowsError
from torneo.serving.traffic import Traffic, share_of


def rows(count: int) -> list[dict[str, Any]]:
    return [{**ROW, "id": number, "a": number % 100 / 100} for number in range(count)]


def split(trained: Trained, folder: Path, share: float) -> Served:
    served = serve(trained, folder)
    served.state.send(Traffic(challenger=trained.versions[1], share=share), trained.versions[0])
    served.follower.look()
    assert served.endpoint.trouble is None
    return served


def test_the_log_has_what_was_answered(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    made = served.endpoint.predict(rows(5), call("r", subject="s"))
    assert len(made.answers) == len(made.log) == 5
    assert len({line.id for line in made.log}) == 5
    for sent, answer, line in zip(rows(5), made.answers, made.log, strict=True):
        assert answer["prediction_id"] == line.id
        assert (answer["version"], answer["role"]) == (line.version, line.role) == (1, "champion")
        assert json.loads(line.output).items() <= answer.items()
        assert (line.project, line.request, line.key, line.of) == ("small", "r", "", "")
        assert line.latency > 0
        kept = json.loads(line.inputs)
        assert "day" not in kept, "a dropped column is in the log"
        assert kept["id"] != sent["id"]
        assert kept["b"] != sent["b"]
        assert (kept["a"], kept["colour"]) == (sent["a"], "red")


def test_answers_have_probabilities_of_the_classes_as_the_contract_writes_them(
    trained: Trained, tmp_path: Path
) -> None:
    [answer] = serve(trained, tmp_path).endpoint.predict([ROW], call()).answers
    assert answer["prediction"] in (0, 1)
    assert set(answer["probabilities"]) == {"0", "1"}
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_without_a_champion_there_is_no_answer(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    served.endpoint.lineup = None
    with pytest.raises(UnavailableError, match="small has no champion yet"):
        served.endpoint.predict([ROW], call())


def test_a_range_violation_refuses_all_or_warns(trained: Trained, tmp_path: Path) -> None:
    sent = [ROW, {**ROW, "a": 10, "b": 9.5}]
    with pytest.raises(InvalidRowsError) as refused:
        serve(trained, tmp_path).endpoint.predict(sent, call())
    assert [(finding.row, finding.reason) for finding in refused.value.findings] == [
        (1, "above_max_a"),
        (1, "above_max_b"),
    ]
    made = serve(trained, tmp_path, serve={"out_of_range": "warn"}).endpoint.predict(sent, call())
    assert "warnings" not in made.answers[0]
    assert made.answers[1]["warnings"] == [
        {"column": "a", "reason": "above_max_a", "message": "10 is above 9"},
        {"column": "b", "reason": "above_max_b", "message": "the value is above 9"},
    ]
    assert "9.5" not in made.log[1].output + made.log[1].inputs, "personal data is in the log"


@pytest.mark.parametrize("value", ["x", None])
def test_what_cannot_be_read_is_refused_in_a_project_that_warns_too(
    trained: Trained, tmp_path: Path, value: Any
) -> None:
    served = serve(trained, tmp_path, serve={"out_of_range": "warn"})
    with pytest.raises(InvalidRowsError, match="1 values break the contract"):
        served.endpoint.predict([{**ROW, "b": value}], call())


def test_a_b_is_sticky_by_key_by_subject_and_has_its_share(trained: Trained, tmp_path: Path) -> None:
    served = split(trained, tmp_path, 0.3)
    first = served.endpoint.predict(rows(1000), call("one")).answers
    second = served.endpoint.predict(rows(1000), call("two", subject="other")).answers
    assert [answer["version"] for answer in first] == [answer["version"] for answer in second], "not sticky by key"
    assert 250 < Counter(answer["role"] for answer in first)["challenger"] < 350
    nobody = {name: value for name, value in ROW.items() if name != "id"}
    sides = {served.endpoint.predict([nobody], call(str(n), subject="s")).answers[0]["role"] for n in range(20)}
    assert len(sides) == 1, "not sticky by subject"
    sides = {served.endpoint.predict([nobody], call(str(n))).answers[0]["role"] for n in range(50)}
    assert sides == {"champion", "challenger"}, "requests without a subject are all on one side"


def test_both_sides_answer_in_the_order_of_the_rows_with_their_own_model(trained: Trained, tmp_path: Path) -> None:
    served = split(trained, tmp_path, 0.5)
    made = served.endpoint.predict(rows(40), call())
    lineup = served.endpoint.ready
    assert lineup.challenger is not None
    models = {lineup.champion.version: lineup.champion, lineup.challenger.version: lineup.challenger}
    assert {answer["version"] for answer in made.answers} == set(models)
    for row, answer, line in zip(rows(40), made.answers, made.log, strict=True):
        alone = models[answer["version"]].answers(models[answer["version"]].decoder.decode([row]).columns)[0]
        assert answer["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-6)
        assert line.id == answer["prediction_id"]
        assert line.entity == served.endpoint.privacy.entity(row)


def test_a_mistake_on_one_side_names_the_row_of_the_request(trained: Trained, tmp_path: Path) -> None:
    served = split(trained, tmp_path, 0.5)
    for place in range(10):
        sent = rows(10)
        sent[place]["a"] = "x"
        with pytest.raises(InvalidRowsError) as refused:
            served.endpoint.predict(sent, call())
        assert [finding.row for finding in refused.value.findings] == [place]


def test_the_shadow_is_logged_beside_each_answer_and_not_returned(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    served.state.send(
        Traffic(challenger=trained.versions[1], share=0.5, shadow=trained.versions[1]), trained.versions[0]
    )
    served.follower.look()
    made = served.endpoint.predict(rows(20), call())
    assert {answer["role"] for answer in made.answers} == {"champion", "challenger"}
    lines = served.endpoint.shadow(served.endpoint.ready, made, rows(20), call())
    assert {line.role for line in lines} == {"shadow"}
    assert [line.of for line in lines] == [answer["prediction_id"] for answer in made.answers]
    assert [line.entity for line in lines] == [served.endpoint.privacy.entity(row) for row in rows(20)]
    assert not {line.id for line in lines} & {line.id for line in made.log}


def test_several_requests_are_answered_as_each_alone(trained: Trained, tmp_path: Path) -> None:
    served = split(trained, tmp_path, 0.5)
    requests = [(rows(3), call("a")), (rows(1), call("b")), (rows(5)[2:], call("c"))]
    together = served.endpoint.predict_all(requests)
    for (sent, by), made in zip(requests, together, strict=True):
        alone = served.endpoint.predict(sent, by)
        assert [line.request for line in made.log] == [by.request] * len(sent)
        for ours, theirs in zip(made.answers, alone.answers, strict=True):
            assert ours["version"] == theirs["version"]
            assert ours["probabilities"] == pytest.approx(theirs["probabilities"], abs=1e-6)


def test_numbers_so_large_that_the_answer_is_none_are_refused(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path, serve={"out_of_range": "warn"})
    for value in (3e38, -3e38):
        try:
            made = served.endpoint.predict([ROW, {**ROW, "a": value}], call())
        except InvalidRowsError as error:
            assert [(finding.row, finding.reason) for finding in error.findings] == [(1, "no_answer")]  # noqa: PT017
        else:
            text = made.log[1].output
            assert "NaN" not in text
            assert "Inf" not in text


@settings(max_examples=200)
@given(share=st.floats(0, 1), subject=st.text(max_size=30))
def test_a_share_is_a_threshold_so_a_larger_one_keeps_who_is_there(share: float, subject: str) -> None:
    place = share_of(subject, "p")
    assert 0 <= place < 1
    assert place == share_of(subject, "p")
    assert (place < 0, place < 1) == (False, True), "share 0 is nobody, share 1 everybody"
