"""torneo watch over several projects."""

from __future__ import annotations

import json

from commands import Place
from torneo.cli import Exit
from torneo.runtime import Runtime
from torneo.spec.settings import settings
from torneo.watchdog.watchdog import lock_name


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
