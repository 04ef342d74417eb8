"""Alerts, as a function of any sequence of findings."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from torneo.spec.watchdog import Persistence
from torneo.watchdog.alerts import Alert, AlertEvent, Subject, Told, following, standing
from torneo.watchdog.findings import Evaluation, Finding, Rule, finding

USUAL = Persistence(bad=2, of=3, good=2)
BAD, GOOD = 1.0, 0.0


def found(rule: Rule, subject: str, size: float) -> Finding:
    return finding(rule, subject, value=size, bar=1, size=size, why=f"{subject} is {size} times the bar")


def evaluation(number: int, sizes: dict[str, float], *, rule: Rule = "drift", version: int = 1) -> Evaluation:
    findings = tuple(found(rule, subject, size) for subject, size in sizes.items() if size >= BAD)
    return Evaluation(window=f"w{number}", place=f"{number:06d}", rules=(rule,), findings=findings, version=version)


def replay(
    told: Sequence[Told], persistence: Persistence = USUAL, *, events: Sequence[AlertEvent] = ()
) -> list[AlertEvent]:
    """All events by all evaluations, one after the other, after those that are there."""
    kept = list(events)
    for count in range(1, len(told) + 1):
        new = following(standing([(event, None) for event in kept]), told[:count], persistence)
        kept += [event for event in new if event.identity not in {each.identity for each in kept}]
    return kept


def of_one(*sizes: float, persistence: Persistence = USUAL, rule: Rule = "drift") -> list[str]:
    told = [Told(place, evaluation(place, {"a": size}, rule=rule)) for place, size in enumerate(sizes, 1)]
    return [f"{event.event} {event.evaluation}" for event in replay(told, persistence)]


def test_one_odd_window_opens_nothing() -> None:
    assert of_one(GOOD, BAD, GOOD, GOOD, BAD, GOOD) == []


def test_it_opens_when_it_persists_and_closes_after_good_windows_in_a_row() -> None:
    assert of_one(BAD, GOOD, BAD, GOOD, BAD, GOOD, GOOD, GOOD) == ["opened 3", "closed 7"]


def test_it_is_told_again_when_it_has_doubled() -> None:
    assert of_one(BAD, 1.5, 1.6, 3.1, 3.2, 6.5, 3) == ["opened 2", "grew 4", "grew 6"]


def test_new_data_opens_and_closes_at_once() -> None:
    assert of_one(BAD, GOOD, BAD, rule="data") == ["opened 1", "closed 2", "opened 3"]


def test_a_rule_that_cannot_judge_neither_opens_nor_closes() -> None:
    silent = Evaluation(window="w3", place="000003", rules=(), version=1)
    told = [Told(1, evaluation(1, {"a": BAD})), Told(2, evaluation(2, {"a": BAD})), Told(3, silent), Told(4, silent)]
    assert [event.event for event in replay(told)] == ["opened"]


def test_what_an_earlier_champion_did_is_not_held_against_the_next() -> None:
    told = [Told(1, evaluation(1, {"a": BAD})), Told(2, evaluation(2, {"a": BAD}, version=2))]
    assert replay(told) == []
    assert len(replay([*told, Told(3, evaluation(3, {"a": BAD}, version=2))])) == 1


def test_what_lasts_under_another_champion_is_told_again_in_its_terms() -> None:
    told = [Told(place, evaluation(place, {"a": 100.0})) for place in (1, 2)]
    told += [Told(place, evaluation(place, {"a": 1.5}, version=2)) for place in (3, 4, 5)]
    assert [(event.event, event.evaluation, event.size) for event in replay(told)] == [
        ("opened", 2, 100.0),
        ("grew", 4, 1.5),
    ]


def test_a_window_that_is_looked_at_again_counts_once() -> None:
    told = [Told(place, evaluation(1, {"a": BAD})) for place in (1, 2, 3)]
    assert replay(told) == []


def test_an_alert_says_why_and_closes_with_what_it_was() -> None:
    told = [Told(place, evaluation(place, {"a": size})) for place, size in enumerate([BAD, BAD, GOOD, GOOD], 1)]
    opened, closed = replay(told)
    assert opened.why == "a is 1.0 times the bar"
    assert closed.why == "it is good again; it was: a is 1.0 times the bar"
    assert opened.alert == closed.alert


SIZES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from([GOOD, BAD, 1.5, 4.0]))
RUNS = st.lists(
    st.tuples(st.sampled_from(["drift", "quality", "data"]), SIZES, st.sampled_from([1, 1, 1, 2])), max_size=25
)
PERSISTENCE = st.builds(
    lambda bad, more, good: Persistence(bad=bad, of=bad + more, good=good), *[st.integers(1, 3)] * 3
)


def told_of(runs: Sequence[tuple[Rule, dict[str, float], int]]) -> list[Told]:
    return [
        Told(place, evaluation(place, sizes, rule=rule, version=version))
        for place, (rule, sizes, version) in enumerate(runs, 1)
    ]


@given(RUNS, PERSISTENCE)
def test_each_subject_has_at_most_one_open_alert(
    runs: list[tuple[Rule, dict[str, float], int]], persistence: Persistence
) -> None:
    now: dict[Subject, str] = {}
    for event in replay(told_of(runs), persistence):
        subject = (event.rule, event.subject)
        if event.event == "opened":
            assert subject not in now, "it was open already"
            now[subject] = event.alert
        else:
            assert now[subject] == event.alert, "it belongs to the alert that is open"
            if event.event == "closed":
                del now[subject]


@given(RUNS, PERSISTENCE, st.data())
def test_replaying_any_part_again_changes_nothing(
    runs: list[tuple[Rule, dict[str, float], int]], persistence: Persistence, data: st.DataObject
) -> None:
    told = told_of(runs)
    whole = replay(told, persistence)
    killed = data.draw(st.integers(0, len(whole)))
    assert replay(told, persistence, events=whole[:killed]) == whole, "a process that died after some events"
    prefix = told[: data.draw(st.integers(0, len(told)))]
    assert replay(prefix, persistence, events=whole) == whole, "a prefix that was taken in before"


@given(RUNS, PERSISTENCE)
def test_what_stays_good_closes(runs: list[tuple[Rule, dict[str, float], int]], persistence: Persistence) -> None:
    told = told_of(runs)
    for rule in ("drift", "quality", "data"):
        for _ in range(persistence.good):
            told.append(Told(len(told) + 1, evaluation(len(told) + 1, {}, rule=rule, version=2)))
    alerts = standing([(event, datetime.datetime.now(datetime.UTC)) for event in replay(told, persistence)])
    assert [alert for alert in alerts.values() if alert.is_open] == []


def test_an_alert_is_as_old_as_its_opening() -> None:
    moment = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    [opened] = replay([Told(1, evaluation(1, {"a": BAD})), Told(2, evaluation(2, {"a": BAD}))])
    later = moment + datetime.timedelta(days=1)
    grown = opened.model_copy(update={"event": "grew", "evaluation": 3})
    [alert] = standing([(opened, moment), (grown, later)]).values()
    assert alert == Alert(opened, grown, moment)
