"""`watch:` as people write it, and what they are told when it is wrong."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from torneo.spec.channels import Channel, unset
from torneo.spec.watchdog import Watch, WindowSize, parse_length, parse_window


def test_nothing_said_is_sensible() -> None:
    watch = Watch.model_validate({})
    assert parse_window(watch.window) == WindowSize(86400, None)
    assert (watch.persistence.bad, watch.persistence.of) == (2, 3)
    assert watch.retrain.when == ("drift", "performance", "data")
    assert (watch.retrain.cooldown, watch.retrain.per_day, watch.rollback, watch.notify) == (86400, 1, True, ())
    assert watch.drift is not None


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("30m", 1800), ("6 h", 21600), ("1d", 86400), ("2w", 1209600)]
)
def test_lengths(text: str, seconds: int) -> None:
    assert parse_length(text) == seconds


@pytest.mark.parametrize("text", ["1x", "d", "", "-1d", "0h", "1.5h", "rows", "0 rows", "1 d 2 h"])
def test_a_window_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a window such as 6h, 1d or 5000 rows"):
        parse_window(text)


def test_a_window_of_more_than_ten_years_is_none() -> None:
    assert parse_window("3660d").seconds == 316224000
    for text in ("523w", "999999999d"):
        with pytest.raises(ValueError, match=f"a window has at most ten years, and '{text}' is longer"):
            parse_window(text)


def test_a_log_is_a_channel_by_its_name() -> None:
    watch = Watch.model_validate({"notify": ["log", {"slack": "${SLACK_URL}"}]})
    assert [channel.name for channel in watch.notify] == ["log", "slack ${SLACK_URL}"]


def test_a_channel_tells_its_host_and_no_more() -> None:
    assert Channel(webhook="https://user:pass@hooks.example.org/secret?token=x").name == "webhook hooks.example.org"


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"persistence": {"bad": 4, "of": 3}}, "4 of 3 windows can never be bad"),
        ({"notify": [{}]}, "expected one of webhook, slack, email or log, not none"),
        ({"notify": [{"webhook": "https://a", "slack": "https://b"}]}, "not webhook and slack"),
        ({"notify": [{"webhook": "ftp://a"}]}, "expected a URL"),
        ({"notify": [{"webhook": "https://a", "secret": "abc"}]}, "a secret does not belong into a file"),
        ({"notify": [{"slack": "https://a", "secret": "${A}"}]}, "only a webhook is signed"),
        ({"retrain": {"when": ["latency"]}}, "'drift', 'performance' or 'data'"),
        ({"performance": {"falls": "0%"}}, "greater than 0"),
        ({"latency": {"p99_ms": 0}}, "greater than 0"),
    ],
)
def test_what_is_wrong_is_told(declared: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Watch.model_validate(declared)


def test_a_user_comes_with_a_password() -> None:
    declared = {"email": {"to": ["a@b"], "from": "b@b", "server": "c", "user": "d"}}
    with pytest.raises(ValidationError, match="user and password come together"):
        Channel.model_validate(declared)


@pytest.mark.parametrize(
    "declared",
    [
        {"drift": None},
        {"drift": None, "data": False, "retrain": {"when": ["performance"]}},
        {"window": "60 rows"},
        {"window": "20 rows", "drift": {"min_rows": 20}},
        {"window": "7 rows", "drift": None},
    ],
)
def test_what_is_possible_is_accepted_and_survives_its_json(declared: dict[str, object]) -> None:
    watch = Watch.model_validate(declared)
    assert Watch.model_validate_json(watch.model_dump_json()) == watch


def test_a_variable_that_a_channel_needs_and_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "https://hooks.example.org")
    monkeypatch.delenv("GONE", raising=False)
    channels = Watch.model_validate({"notify": ["log", {"webhook": "${THERE}", "secret": "${GONE}"}]}).notify
    assert list(unset(channels)) == [
        (
            "watch.notify: nobody can be told by webhook: the environment variable GONE is not set",
            "set GONE, or GONE_FILE to a file with its value",
        )
    ]
