"""torneo watch over several projects."""

from __future__ import annotations

import json

import pytest

from commands import Place
from torneo.cli import Exit
from torneo.cli.app import watch
from torneo.errors import LockedError, UnavailableError
from torneo.runtime import Runtime
from torneo.spec.settings import settings
from torneo.watchdog.watchdog import Passed, lock_name


def test_a_project_that_another_watchdog_has_keeps_no_other_from_its_pass(place: Place) -> None:
    other = place.folder / "other"
    other.mkdir()
    text = (place.folder / "project.yaml").read_text(encoding="utf-8")
    (other / "project.yaml").write_text(text.replace("project: small", "project: other"), encoding="utf-8")
    settings.cache_clear()
    with Runtime(settings()).state.lock(lock_name("small"), "another watchdog"):
        code, out, err = place.says("watch", ".", "other", "--json")
    assert code == Exit.BUSY
    assert [each["project"] for each in json.loads(out)] == ["other"]
    assert "small: this pass came to nothing" in err
    assert "'watchdog/small' is locked by another watchdog" in " ".join(err.split())
    assert place.says("watch", ".", "other")[0] == Exit.OK


def test_passes_that_go_on_tell_what_is_new_and_what_lasts_once(
    place: Place,
    capsys: pytest.CaptureFixture[str],
) -> None:
    telling = watch.Telling(json=False)
    for until in ("10:00", "10:01"):
        telling.trouble("small", LockedError(f"locked until {until}", fix="stop process 7"))
    telling.trouble("small", UnavailableError("the state store is away"))
    assert capsys.readouterr().err.count("this pass came to nothing") == 2
    held = Passed(project="small", champion=1, held_back="the source has nothing new")
    for passed in (held, held, Passed(project="small", champion=1), held):
        telling.passed(passed)
    told = capsys.readouterr()
    assert told.out.count("not trained: the source has nothing new") == 2
    assert told.out.count("windows") == 2, "a pass of which there is nothing to say is silent"
    assert told.err == "small: at work again\n"
    assert place.folder.is_dir()
