"""What is refused for its values is counted where the watchdog looks; what is answered is not."""

from __future__ import annotations

import datetime

from surface import ROW, serve, trained
from torneo.ports.refusals import REQUESTS
from torneo.testing import MemoryPredictionLog

DAY = datetime.timedelta(days=1)


def test_refused_requests_and_reasons_are_counted() -> None:
    log = MemoryPredictionLog()
    with serve(trained(), log=log) as served:
        assert served.client.post("/predict", json=ROW).status_code == 200
        for _ in range(2):
            bad = {**ROW, "colour": "mauve"}
            assert served.client.post("/predict", json=[bad, {**bad, "b": "much"}]).status_code == 422
        assert served.client.post("/predict", content=b"{").status_code in (400, 415)
    now = datetime.datetime.now(datetime.UTC)
    counts: dict[str, int] = {}
    for each in log.refused("small", now - DAY, now + DAY):
        counts[each.reason] = counts.get(each.reason, 0) + each.number
    assert counts.pop(REQUESTS) == 2, "requests, and not values or bodies that are no JSON"
    assert sum(counts.values()) == 6
    assert any("colour" in reason for reason in counts)
