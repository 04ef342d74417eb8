"""`torneo keys`: a key is made, used by a keyring of another process, shown without its secret, and revoked."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from e2e.command import state, torneo
from torneo.cli import Exit
from torneo.serving.keys import Keyring
from torneo.stores.clock import SystemClock


def test_a_key_from_its_making_to_its_end(tmp_path: Path) -> None:
    home = tmp_path
    ring = Keyring(state(home), SystemClock())
    made = torneo(
        *("keys", "create", "web shop [eu]", "--scope", "predict", "--scope", "read"),
        *("--project", "housing", "--expires", "90d"),
        home=home,
    )
    text = made.out.removesuffix("\n")
    assert re.fullmatch(r"torneo_[0-9a-f]{12}_[0-9a-f]{64}", text), "stdout is not the key alone"
    assert text not in made.err
    assert "no project 'housing' has run here yet" in made.err
    assert ring.refresh(state(home))
    key = ring.find(text)
    assert key is not None
    assert (key.name, key.by, key.scopes, key.projects) == (
        "web shop [eu]",
        "tester",
        ("predict", "read"),
        ("housing",),
    )
    assert key.expires is not None
    assert abs(key.expires - key.created - datetime.timedelta(days=90)) < datetime.timedelta(minutes=1)

    (listed,) = torneo("keys", "list", "--json", home=home).json
    assert (listed["id"], listed["status"]) == (key.id, "active")
    table = torneo("keys", "list", home=home).out
    assert "web shop [eu]" in table
    assert "active" in table
    for shown in (str(listed), table):
        assert text[-64:] not in shown
        assert key.sha256 not in shown

    torneo("keys", "revoke", key.id, "--why", "rotated", home=home)
    assert ring.refresh(state(home))
    assert ring.find(text) is None
    assert "revoked by tester: rotated" in torneo("keys", "list", home=home).out
    again = torneo("keys", "revoke", key.id, "--why", "x", home=home, expect=Exit.CONFLICT)
    assert f"key {key.id} was revoked by tester" in again.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("revoke", "nobody", "--why", "x"), Exit.NOT_FOUND, "there is no key 'nobody'"),
        (("create", "x"), Exit.USAGE, "--scope"),
        (("create", "x", "--scope", "predct"), Exit.USAGE, "did you mean 'predict'?"),
        (("create", "x", "--scope", "read", "--expires", "soon"), Exit.USAGE, "such as 90d or 12w"),
        (("create", "x", "--scope", "read", "--expires", "0d"), Exit.USAGE, "from one day"),
        (("create", "two\nlines", "--scope", "read"), Exit.USAGE, "one line of 1 to 80"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: tuple[str, ...], code: Exit, says: str) -> None:
    done = torneo("keys", *arguments, home=tmp_path, expect=code)
    assert says in " ".join(done.err.replace("│", " ").split())
    assert done.out == ""


def test_a_home_without_keys_says_how_to_make_one(tmp_path: Path) -> None:
    assert "torneo keys create" in torneo("keys", "list", home=tmp_path).out
    assert torneo("keys", "list", "--json", home=tmp_path).json == []
