"""Lineups follow the state store; what is down or damaged does not stop what serves."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from served import ROW, FailingState, Served, Trained, call, serve
from torneo.serving.follow import Follower
from torneo.serving.traffic import Traffic


def answer(served: Served) -> tuple[int, float]:
    [found] = served.endpoint.predict([ROW], call()).answers
    return found["version"], found["probabilities"]["1"]


def again(served: Served, folder: Path) -> Served:
    """The server started anew, with what is on its disk."""
    served.endpoint.lineup = None
    follower = Follower([served.endpoint], served.state, served.objects, folder)
    follower.look()
    return Served(served.endpoint, served.state, served.objects, follower)


def test_a_promotion_and_a_way_back_arrive(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    first = answer(served)
    served.state.promote(trained.versions[1])
    assert answer(served) == first, "it follows when it looks"
    served.follower.look()
    second = answer(served)
    assert (first[0], second[0]) == (trained.versions[0].number, trained.versions[1].number)
    assert first[1] != second[1], "two versions answer alike: this test would show nothing"
    served.state.promote(trained.versions[0])
    served.follower.look()
    assert answer(served) == first


def test_what_stays_in_the_lineup_is_not_loaded_again(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    before = served.endpoint.ready.champion
    served.state.send(Traffic(challenger=trained.versions[1], share=0.5), trained.versions[0])
    served.follower.look()
    lineup = served.endpoint.ready
    assert lineup.champion is before
    assert lineup.challenger is not None
    assert (lineup.challenger.version, lineup.share) == (trained.versions[1].number, 0.5)


def test_one_bundle_under_two_numbers_answers_with_its_own_number(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    served.state.send(Traffic(shadow=trained.versions[0].model_copy(update={"number": 9})), trained.versions[0])
    served.follower.look()
    lineup = served.endpoint.ready
    assert lineup.shadow is not None
    assert (lineup.champion.version, lineup.shadow.version) == (trained.versions[0].number, 9)


def test_while_the_state_store_is_down_the_last_champion_serves(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    first = answer(served)
    served.state.down = True
    served.follower.look()
    assert answer(served) == first
    assert served.endpoint.trouble == "the state store does not answer"
    assert answer(again(served, tmp_path)) == first, "a restart forgets the last good version"
    served.state.down = False
    served.follower.look()
    assert served.endpoint.trouble is None


def test_a_restart_serves_the_last_promoted_version_and_not_an_older_one(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    (tmp_path / "small.json").unlink()
    (tmp_path / "small.json").mkdir()  # it cannot be written
    served.state.promote(trained.versions[1])
    served.follower.look()
    assert answer(served)[0] == trained.versions[1].number
    assert "cannot be written" in (served.endpoint.trouble or "")
    served.follower.look()
    assert served.endpoint.trouble is not None, "what could not be noted is forgotten"
    (tmp_path / "small.json").rmdir()
    served.follower.look()
    assert served.endpoint.trouble is None
    served.state.down = True
    assert answer(again(served, tmp_path))[0] == trained.versions[1].number


def test_nothing_to_serve_is_told_and_no_reason_to_end(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    served.state = FailingState()
    empty = tmp_path / "empty"
    found = again(served, empty)
    assert found.endpoint.lineup is None
    assert found.endpoint.trouble == "small has no champion yet"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"champion": {}}', b"\xff\xfe"])
def test_a_broken_note_is_told(trained: Trained, tmp_path: Path, content: bytes) -> None:
    served = serve(trained, tmp_path)
    (tmp_path / "small.json").write_bytes(content)
    served.state.down = True
    found = again(served, tmp_path)
    assert found.endpoint.lineup is None
    assert "the state store does not answer; nor can the last good version be loaded" in (found.endpoint.trouble or "")


@pytest.mark.parametrize("file", ["model.onnx", "bundle.json", "digests.json"])
@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_a_bundle_with_a_flipped_byte_is_refused_and_the_old_one_stays(
    trained: Trained, tmp_path: Path, file: str, place: float
) -> None:
    objects = trained.copy()
    served = serve(trained, tmp_path, objects=objects)
    first = answer(served)
    key = f"{trained.versions[1].bundle}/{file}"
    whole = objects.get(key)
    content = bytearray(whole)
    content[int(place * len(content)) if place > 0 else int(place)] ^= 1
    objects.put(key, bytes(content))
    served.state.promote(trained.versions[1])
    for _ in range(2):
        served.follower.look()
        assert answer(served) == first
        assert served.endpoint.trouble, "a bad bundle is not told"
        assert not (tmp_path / trained.versions[1].digest).exists(), "the bad copy is kept"
    objects.put(key, whole)
    served.follower.look()
    assert answer(served)[0] == trained.versions[1].number
    assert served.endpoint.trouble is None


def test_a_damaged_copy_is_fetched_again(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    first = answer(served)
    model = tmp_path / trained.versions[0].digest / "model.onnx"
    model.write_bytes(b"\x00" + model.read_bytes()[1:])
    assert answer(again(served, tmp_path)) == first
    (tmp_path / trained.versions[0].digest / "model.onnx").unlink()
    assert answer(again(served, tmp_path)) == first


class Bomb:
    """What must not be made."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a pickle was opened",))


def test_a_planted_pickle_is_never_opened(trained: Trained, tmp_path: Path) -> None:
    opened: list[str] = []
    sys.addaudithook(lambda event, _: opened.append(event) if event == "pickle.find_class" else None)
    objects = trained.copy()
    served = serve(trained, tmp_path, objects=objects)
    first = answer(served)
    opened.clear()
    for name in ("model.pkl", "python_model.pkl", "features.py"):
        (tmp_path / trained.versions[0].digest / name).write_bytes(pickle.dumps(Bomb()))
        assert answer(again(served, tmp_path)) == first, "the copy on this machine is not fetched again"
    objects.put(f"{trained.versions[1].bundle}/model.pkl", pickle.dumps(Bomb()))
    served.state.promote(trained.versions[1])
    served.follower.look()
    assert answer(served) == first
    assert "model.pkl does not belong to the bundle" in (served.endpoint.trouble or "")
    assert opened == []


def test_code_of_a_bundle_that_agrees_with_itself_but_was_not_registered_does_not_run(
    trained: Trained, tmp_path: Path
) -> None:
    objects = trained.copy()
    served = serve(trained, tmp_path, objects=objects)
    bundle = trained.versions[1].bundle
    from hashlib import sha256

    info = json.loads(objects.get(f"{bundle}/bundle.json")) | {"uses_hook": True}
    mark = tmp_path / "it ran"
    planted = {
        "bundle.json": json.dumps(info).encode(),
        "features.py": f"from pathlib import Path\nPath({str(mark)!r}).touch()\n".encode(),
        "model.onnx": objects.get(f"{bundle}/model.onnx"),
    }
    digests = {name: sha256(content).hexdigest() for name, content in planted.items()}
    for name, content in {**planted, "digests.json": json.dumps(digests).encode()}.items():
        objects.put(f"{bundle}/{name}", content)
    served.state.promote(trained.versions[1])
    served.follower.look()
    assert "was registered" in (served.endpoint.trouble or "")
    assert not mark.exists(), "features.py ran before its digest was compared with the registered one"


def test_what_is_not_understood_ends_no_thread(
    trained: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(trained, tmp_path)
    first = answer(served)
    served.state.append("small", "decisions", "newer", {"champion": {"of a": "newer version"}})
    served.follower.look()
    assert answer(served) == first
    assert served.endpoint.trouble == "ValidationError: the server's log has the reason"
    assert "newer version" in caplog.text
    served.state.promote(trained.versions[1])
    served.follower.look()
    assert answer(served)[0] == trained.versions[1].number


def test_others_are_looked_at_each_time_and_their_troubles_told(trained: Trained, tmp_path: Path) -> None:
    served = serve(trained, tmp_path)
    seen: list[int] = []

    def keys() -> None:
        seen.append(1)
        if len(seen) == 2:
            served.state.down = True
            served.state.read("small", "keys")

    follower = Follower([served.endpoint], served.state, served.objects, tmp_path, {"keys": keys})
    follower.look()
    assert follower.troubles == {}
    follower.look()
    assert follower.troubles == {"keys": "the state store does not answer"}
    served.state.down = False
    follower.look()
    assert follower.troubles == {}
