"""Code of a project is given its time and no more, and nobody else waits for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from surface import ROW, serve, trained
from torneo.ports import LogFilter
from torneo.spec.settings import ServeSettings

SLEEPY = """
import time
import polars as pl

def features(frame):
    if frame["shop"].to_list() == [99]:
        time.sleep(4)
    return frame.with_columns((pl.col("a") * pl.col("b")).alias("both"))
"""


def test_who_runs_code_that_sleeps_is_told_in_time_and_others_are_answered_meanwhile() -> None:
    coded, plain = trained(features=SLEEPY), trained()
    with serve(coded, plain, settings=ServeSettings(timeout=1)) as served, ThreadPoolExecutor(2) as pool:
        began = time.monotonic()
        late = [pool.submit(served.client.post, f"/v1/coded/{path}", json={**ROW, "shop": 99})
                for path in ("predict", "explain")]  # fmt: skip
        time.sleep(0.1)
        for project in ("coded", "small"):
            assert served.client.post(f"/v1/{project}/predict", json=ROW).status_code == 200
        assert not any(each.done() for each in late), "others waited for it"
        problem, explained = (each.result() for each in late)
        assert time.monotonic() - began < 3.5, "the code was waited for"
        assert (problem.status_code, explained.status_code) == (504, 504)
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["detail"] == "there was no answer within 1 seconds; nothing was logged"
        time.sleep(max(0.0, began + 4.2 - time.monotonic()))
        lines = served.service.log.page("coded", LogFilter(), limit=10)
        assert [line.inputs["shop"] for line in lines] == [ROW["shop"]], "what came too late was logged"


def test_without_code_few_rows_need_no_thread() -> None:
    with serve(trained()) as served:
        assert served.client.post("/predict", json=ROW).status_code == 200
        assert not [each.name for each in threading.enumerate() if each.name.startswith("code of small")]
