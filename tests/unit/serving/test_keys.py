"""API keys: what is kept of them, who is found, and when a key is good no more."""

from __future__ import annotations

import datetime
import re
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.errors import ConflictError, NotFoundError, UnavailableError
from torneo.ports import INSTALLATION, Entry
from torneo.serving import keys
from torneo.serving.keys import STREAM, Keyring, create_key, list_keys, revoke_key
from torneo.stores.clock import SystemClock
from torneo.stores.state import SqlState
from torneo.testing import FixedClock, MemoryState


class Watched(MemoryState):
    """State that counts how often it is read whole, and can be down."""

    whole_reads = 0
    down = False

    def read(self, project: str, stream: str, *, last: int | None = None) -> Sequence[Entry]:
        if self.down:
            raise UnavailableError("the state store does not answer")
        self.whole_reads += last is None
        return super().read(project, stream, last=last)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def state(clock: FixedClock) -> Watched:
    return Watched(clock)


def test_a_key_is_shown_once_and_its_digest_is_kept(state: Watched, clock: FixedClock) -> None:
    key, text = create_key(state, "web shop", ["read", "predict", "read"], by="ada", projects=["housing"])
    assert re.fullmatch(r"torneo_[0-9a-f]{12}_[0-9a-f]{64}", text)
    secret = text.rsplit("_", 1)[1]
    (entry,) = state.read(INSTALLATION, STREAM)
    assert secret not in str(entry), "the secret is in the stream"
    assert entry.body["sha256"] == sha256(secret.encode()).hexdigest()
    assert (key.name, key.scopes, key.projects, key.by) == ("web shop", ("predict", "read"), ("housing",), "ada")
    assert (key.created, key.expires, key.revoked) == (clock.now(), None, None)
    assert Keyring(state, clock).find(text) == key
    assert list_keys(state) == [key]
    assert list(state.projects()) == [], "keys are listed as a project"


def test_no_two_keys_are_alike(state: Watched) -> None:
    made = [create_key(state, "x", ["predict"], by="ada") for _ in range(50)]
    assert len({key.id for key, _ in made}) == len({text[-64:] for _, text in made}) == 50


TEXTS = [create_key(MemoryState(FixedClock()), "x", ["predict"], by="ada")[1] for _ in range(2)]


@given(
    st.one_of(
        st.text(),
        st.text(st.characters(codec=None)),
        st.builds(lambda cut, end: TEXTS[0][:cut] + end, st.integers(0, 84), st.text(max_size=80)),
    )
)
def test_only_the_key_itself_is_found(presented: str) -> None:
    state = MemoryState(FixedClock())
    key, text = create_key(state, "x", ["predict"], by="ada")
    presented = presented.replace(TEXTS[0][7:19], key.id)
    ring = Keyring(state, FixedClock())
    assert (ring.find(presented) == key) == (presented == text)


def test_a_key_with_one_character_changed_is_not_found(state: Watched, clock: FixedClock) -> None:
    _, text = create_key(state, "x", ["predict"], by="ada")
    ring = Keyring(state, clock)
    for place, character in enumerate(text):
        other = "0" if character != "0" else "1"
        assert ring.find(text[:place] + other + text[place + 1 :]) is None, f"character {place} does not matter"
    assert [ring.find(text[:end]) for end in range(len(text))] == [None] * len(text)
    assert ring.find(f"{text}0") is None
    assert ring.find(f" {text}") is None


def test_an_unknown_id_costs_a_comparison_too(
    state: Watched, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = create_key(state, "x", ["predict"], by="ada")
    ring, compared = Keyring(state, clock), []
    compare = keys.compare_digest
    monkeypatch.setattr(keys, "compare_digest", lambda one, other: (compared.append(len(one)), compare(one, other))[1])
    for presented in (text, f"{text[:-1]}x", f"torneo_{'0' * 12}_{'0' * 64}", "", "anything"):
        ring.find(presented)
    assert compared == [32] * 5


def test_a_key_expires_at_its_moment(state: Watched, clock: FixedClock) -> None:
    end = clock.now() + datetime.timedelta(days=90)
    key, text = create_key(state, "x", ["predict"], by="ada", expires=end)
    ring = Keyring(state, clock)
    clock.advance(90 * 86400 - 0.001)
    assert (ring.find(text), key.status(clock.now())) == (key, "active")
    clock.advance(0.001)
    assert (ring.find(text), key.status(clock.now())) == (None, "expired")


def test_a_revoked_key_is_not_found_after_a_refresh(state: Watched, clock: FixedClock) -> None:
    key, text = create_key(state, "x", ["predict"], by="ada")
    _, other = create_key(state, "y", ["predict"], by="ada")
    ring = Keyring(state, clock)
    clock.advance(60)
    revoked = revoke_key(state, key.id, by="eve", why="it was found in a log")
    assert revoked.revoked is not None
    assert (revoked.revoked.by, revoked.revoked.why, revoked.revoked.time) == (
        "eve",
        "it was found in a log",
        clock.now(),
    )
    assert revoked.status(clock.now()) == "revoked"
    assert ring.refresh(state)
    assert ring.find(text) is None
    assert ring.find(other) is not None
    assert [key.status(clock.now()) for key in list_keys(state)] == ["revoked", "active"]


def test_a_key_that_was_found_somewhere_is_revoked_by_its_text(state: Watched) -> None:
    key, text = create_key(state, "x", ["predict"], by="ada")
    assert revoke_key(state, text, by="ada", why="leaked").id == key.id


def test_what_cannot_be_revoked(state: Watched) -> None:
    key, _ = create_key(state, "x", ["predict"], by="ada")
    with pytest.raises(NotFoundError, match="there is no key 'ffffffffffff'") as caught:
        revoke_key(state, "f" * 12, by="ada", why="x")
    assert caught.value.fix == "torneo keys list shows the ids"
    revoke_key(state, key.id, by="ada", why="leaked")
    with pytest.raises(ConflictError, match=f"key {key.id} was revoked by ada at 2026-01-01 00:00 UTC: leaked"):
        revoke_key(state, key.id, by="eve", why="again")


def test_a_refresh_reads_only_what_has_moved(state: Watched, clock: FixedClock) -> None:
    ring = Keyring(state, clock)
    assert state.whole_reads == 0
    _, text = create_key(state, "x", ["predict"], by="ada")
    assert ring.find(text) is None
    assert [ring.refresh(state) for _ in range(3)] == [True, False, False]
    assert state.whole_reads == 1
    assert ring.find(text) is not None


def test_keys_stay_good_while_the_state_is_down(state: Watched, clock: FixedClock) -> None:
    end = clock.now() + datetime.timedelta(days=1)
    key, text = create_key(state, "x", ["predict"], by="ada")
    _, short = create_key(state, "y", ["predict"], by="ada", expires=end)
    ring = Keyring(state, clock)
    revoke_key(state, key.id, by="ada", why="leaked")
    state.down = True
    with pytest.raises(UnavailableError, match="does not answer"):
        ring.refresh(state)
    assert ring.find(text) is not None
    clock.advance(86400)
    assert ring.find(short) is None, "a key outlives its end while the state store is down"
    late = Keyring(state, clock)
    assert not late.is_read, "it takes keys that it could not read for no keys"
    state.down = False
    assert late.refresh(state)
    assert late.is_read
    assert ring.refresh(state)
    assert ring.find(text) is None


def test_an_altered_stream_is_refused_and_the_keys_stay(tmp_path: Path) -> None:
    clock = SystemClock()
    state = SqlState(f"sqlite:///{tmp_path / 'state.db'}", clock)
    _, text = create_key(state, "x", ["predict"], by="ada")
    ring = Keyring(state, clock)
    create_key(state, "y", ["predict"], by="ada")
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TRIGGER stream_entries_refuse_update")
        connection.execute("UPDATE stream_entries SET body = replace(body, 'predict', 'admin')")
    connection.close()
    with pytest.raises(ConflictError, match="entry 1 was altered"):
        ring.refresh(state)
    found = ring.find(text)
    assert found is not None
    assert found.scopes == ("predict",)
    with pytest.raises(ConflictError, match="entry 1 was altered"):
        Keyring(state, clock)


def test_an_event_of_a_newer_torneo_is_refused(state: Watched) -> None:
    state.append(INSTALLATION, STREAM, "1", {"event": "renamed", "id": "x"})
    with pytest.raises(ConflictError, match="entry 1 of the keys is a 'renamed', which this Torneo does not know"):
        list_keys(state)


def test_scopes_and_projects(state: Watched) -> None:
    reader, _ = create_key(state, "x", ["read", "feedback"], by="ada")
    assert [reader.may(scope, "housing") for scope in ("predict", "read", "feedback", "admin")] == [
        False,
        True,
        True,
        False,
    ]
    assert reader.may("read", None)
    admin, _ = create_key(state, "x", ["admin"], by="ada", projects=["housing"])
    assert all(admin.may(scope, "housing") for scope in ("predict", "read", "feedback", "admin"))
    assert not admin.may("read", "sales")
    assert not admin.may("admin", None), "a key of one project is good for the installation"


@given(st.lists(st.tuples(st.sampled_from(["create", "revoke", "refresh"]), st.integers(0, 9)), max_size=30))
def test_a_ring_has_what_was_made_and_not_revoked(steps: list[tuple[str, int]]) -> None:
    clock = FixedClock()
    state = MemoryState(clock)
    ring, texts, good = Keyring(state, clock), [], set()
    for step, number in steps:
        if step == "create":
            texts.append(create_key(state, "x", ["predict"], by="ada")[1])
            good.add(texts[-1])
        elif step == "revoke" and texts and (text := texts[number % len(texts)]) in good:
            revoke_key(state, text, by="ada", why="x")
            good.remove(text)
        ring.refresh(state)
        assert {text for text in texts if ring.find(text) is not None} == good
