from __future__ import annotations

import datetime

from torneo.stores.clock import SystemClock


def test_the_time_is_now_and_knows_its_zone() -> None:
    before = datetime.datetime.now(datetime.UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.datetime.now(datetime.UTC)
    assert now.utcoffset() == datetime.timedelta()
