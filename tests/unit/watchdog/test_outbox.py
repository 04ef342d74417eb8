"""Messages: at least once, again after a while, never for long."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

from torneo.errors import UnavailableError
from torneo.testing.small_log import FIRST
from torneo.watchdog import outbox
from torneo.watchdog.desk import Desk, Message
from watched import Kennel, kennel


def event(desk: Desk, number: int, *to: str) -> None:
    body = {
        "event": "opened", "alert": f"a{number}", "rule": "drift", "subject": f"column {number}", "evaluation": number,
        "window": "w", "version": 1, "value": 1.0, "bar": 0.5, "size": 2.0, "why": "it drifted", "to": to,
        "at": desk.clock.now().isoformat(),
    }  # fmt: skip
    desk.state.append("small", "alerts", f"e{number}", body)


def with_channels(found: Kennel, **channels: object) -> Desk:
    return dataclasses.replace(found.desk, channels=channels)


def test_each_channel_has_its_own_way(tmp_path: Path) -> None:
    found, down, told = kennel(tmp_path), [True], []

    def moody(message: Message) -> None:
        if down[0]:
            raise UnavailableError("the server is down")
        told.append(message.id)

    desk = with_channels(found, mail=found.told.append, moody=moody)
    event(desk, 1, "mail", "moody")
    event(desk, 2, "mail", "moody")
    first = outbox.deliver(desk)
    assert (first.delivered, first.failed, first.waiting) == (2, {"moody": "the server is down"}, 2)
    assert [message.id for message in found.told] == ["e1", "e2"]
    down[0] = False
    assert outbox.deliver(desk).delivered == 1, "the second was never tried, the first waits"
    found.clock.advance(31)
    assert outbox.deliver(desk).delivered == 1
    assert sorted(told) == ["e1", "e2"]
    assert outbox.deliver(desk) == outbox.Told(), "nothing is left"
    assert desk.state.get("small", outbox.RECORD) is None


def test_pauses_double_up_to_an_hour_and_end_after_days(tmp_path: Path) -> None:
    found, tries = kennel(tmp_path), []

    def dead(message: Message) -> None:
        tries.append((found.clock.now() - FIRST).total_seconds())
        raise UnavailableError("nobody is there")

    desk = with_channels(found, dead=dead)
    event(desk, 1, "dead")
    for _ in range(4 * 24 * 60):
        outbox.deliver(desk)
        found.clock.advance(60)
    pauses = [int(later - earlier) for earlier, later in itertools.pairwise(tries)]
    assert pauses[:7] == [60, 60, 120, 240, 480, 960, 1920]
    assert set(pauses[8:]) == {3600}
    assert tries[-1] <= 3 * 86400
    [given_up] = [entry for entry in desk.state.read("small", "alerts") if entry.body["event"] == "gave_up"]
    assert given_up.body["of"] == "e1"


def test_a_channel_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    found = kennel(tmp_path)
    event(found.desk, 1, "gone", "mail")
    assert outbox.deliver(found.desk).delivered == 1
    assert outbox.deliver(found.desk) == outbox.Told()


def test_what_a_channel_that_is_gone_has_not_told_is_told_by_the_one_in_its_place(tmp_path: Path) -> None:
    found, mended = kennel(tmp_path), []
    event(found.desk, 1, "wrong", "mail")
    event(found.desk, 2, "mail")
    desk = with_channels(found, mail=found.told.append, mended=mended.append)
    assert outbox.deliver(desk).delivered == 3
    assert [message.id for message in mended] == ["e1"], "what was for others alone is not"
    assert [message.id for message in found.told] == ["e1", "e2"]
    assert outbox.deliver(desk) == outbox.Told()


def test_it_waits_for_the_one_in_its_place(tmp_path: Path) -> None:
    found, down, told = kennel(tmp_path), [True], []

    def moody(message: Message) -> None:
        if down[0]:
            raise UnavailableError("the server is down")
        told.append(message.id)

    event(found.desk, 1, "wrong")
    desk = with_channels(found, moody=moody)
    assert outbox.deliver(desk).waiting == 1
    down[0] = False
    found.clock.advance(31)
    assert (outbox.deliver(desk).delivered, told) == (1, ["e1"])


def test_what_nobody_can_be_told_is_said(tmp_path: Path) -> None:
    found = kennel(tmp_path)
    event(found.desk, 1, "gone")
    assert outbox.deliver(with_channels(found)).given_up == [
        "small: alert opened: drift column 1: there is no channel any more"
    ]
