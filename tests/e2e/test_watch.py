"""The watchdog from the command line: what it finds and does, two at once, and kill -9 (WATCH_KILLS times)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import small
from e2e.command import start, state, torneo
from torneo.cli import Exit

SEED = 20261121
ROUNDS = 3
KILLS = int(os.environ.get("WATCH_KILLS", "6"))
GRACE = 6.5
"""Seconds until a window of the log is whole."""
WATCH = {
    "window": "100 rows",
    "persistence": {"bad": 1, "of": 1, "good": 1},
    "retrain": {"cooldown": "1s", "per_day": 100},
}


@dataclass
class Shop:
    """A project that has run once, with a folder of its own."""

    folder: Path
    home: Path
    rows: int = 0

    @property
    def project(self) -> str:
        """How commands name it."""
        return str(self.folder)

    def more_data(self, seed: int, *, shift: float = 0.0) -> None:
        """Append rows to the source."""
        new = table(300, seed, shift).with_columns(id=pl.col("id") + self.rows)
        source = self.folder / "data.csv"
        known = [pl.read_csv(source)] if source.exists() else []
        pl.concat([*known, new.with_columns(pl.col("day").dt.to_string())]).write_csv(source)
        self.rows += 300

    def ask(self, seed: int, *, shift: float = 0.0, share: float = 1.0) -> None:
        """Have a hundred rows predicted, a share of them shifted, and wait until their window is whole."""
        file, shifted = self.folder / f"asked-{seed}.csv", round(100 * share)
        pl.concat([table(100, seed, shift)[:shifted], table(100, seed, 0.0)[shifted:]]).write_csv(file)
        torneo("predict", self.project, str(file), "--log", "-o", str(file.with_suffix(".out.csv")), home=self.home)
        time.sleep(GRACE)

    def entries(self, stream: str) -> list[Any]:
        """A stream of the project."""
        return list(state(self.home).read("small", stream))

    def watch(self, *options: str, expect: Exit = Exit.OK) -> Any:
        """A pass."""
        [passed] = torneo("watch", self.project, "--json", *options, home=self.home, expect=expect).json
        return passed


def table(rows: int, seed: int, shift: float) -> pl.DataFrame:
    frame = small.table(600, seed=seed, classes=False)[:rows]
    return frame.with_columns(a=pl.col("a") + shift)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make(tmp_path)


def make(folder: Path, **watch: Any) -> Shop:
    """Train a small project."""
    made = Shop(folder / "small", folder / "home")
    made.folder.mkdir()
    declared = small.project(classes=False, watch={**WATCH, **watch}).model_dump(
        mode="json", exclude_unset=True, by_alias=True
    )
    (made.folder / "project.yaml").write_text(json.dumps(declared), encoding="utf-8")
    made.more_data(1)
    torneo("run", made.project, home=made.home)
    return made


def subjects(events: list[dict[str, Any]]) -> list[str]:
    return [f"{event['event']} {event['rule']} {event['subject']}" for event in events]


@pytest.mark.slow
def test_drift_and_new_data_become_another_champion(shop: Shop) -> None:
    assert shop.watch()["open"] == []
    shop.ask(2, shift=3.0)
    passed = shop.watch(expect=Exit.FINDINGS)
    assert "opened drift a" in subjects(passed["events"])
    assert passed["held_back"].startswith("the source has nothing new")
    shop.more_data(3, shift=3.0)
    would = shop.watch("--dry-run", expect=Exit.FINDINGS)
    assert would["would"][0].startswith("retrain: ")
    assert len(shop.entries("decisions")) == 1
    [done] = shop.watch(expect=Exit.FINDINGS)["done"]
    assert done.startswith("retrained: ")
    decision = shop.entries("decisions")[-1].body
    assert "Trained by the watchdog: drift (" in decision["why"]
    told = torneo("alerts", shop.project, home=shop.home).out
    assert "drift" in told
    assert "retrained" in " ".join(told.split())
    if decision["action"] == "promote":
        shop.ask(4, shift=3.0, share=0.5)
        assert [alert["subject"] for alert in shop.watch()["open"]] == []
        assert "no alert is open" in torneo("alerts", shop.project, home=shop.home).out
    everything = torneo("alerts", shop.project, "--all", "--json", home=shop.home).json
    assert {"drift", "data"} <= {alert["rule"] for alert in everything}


@pytest.mark.slow
def test_of_two_watchdogs_one_acts_and_the_other_takes_over(shop: Shop) -> None:
    first = start("watch", shop.project, "--every", "1s", "--json", home=shop.home)
    assert first.stdout is not None
    json.loads(first.stdout.readline())
    second = start("watch", shop.project, "--every", "1s", "--json", home=shop.home)
    assert second.stderr is not None
    assert second.stdout is not None
    told = " ".join(second.stderr.readline() for _ in range(3))
    assert "'watchdog/small' is locked by tester@" in told
    assert f"process {first.pid} " in told
    torneo("watch", shop.project, home=shop.home, expect=Exit.BUSY)
    first.kill()
    first.communicate()
    assert json.loads(second.stdout.readline())["project"] == "small"
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert shop.watch()["open"] == [], "the lock is free again"


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that keeps what it is told."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_killed_at_random_moments_it_loses_no_event_and_trains_once(
    tmp_path: Path, hook: tuple[str, list[dict[str, Any]]]
) -> None:
    """Each round brings drift and new data; the watchdog is killed again and again, and then left to finish."""
    url, got = hook
    shop = make(tmp_path, notify=[{"webhook": url}])
    moments, whole = random.Random(SEED), 0.0  # noqa: S311 - moments, not secrets
    began = time.monotonic()
    shop.more_data(50, shift=1.0)
    shop.watch()
    whole = time.monotonic() - began
    for number in range(ROUNDS):
        shop.ask(100 + number, shift=4.0 * (number + 1))
        shop.more_data(200 + number, shift=0.5)
        for _ in range(KILLS // ROUNDS):
            process = start("watch", shop.project, home=shop.home)
            try:
                process.communicate(timeout=moments.uniform(0, whole))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        torneo("watch", shop.project, home=shop.home, expect=Exit.FINDINGS)

    actions = [entry.body for entry in shop.entries("watch")]
    requests = [body["content"] for body in actions if body["event"] == "requested"]
    ends = [body["status"] for body in actions if body["event"] == "ended"]
    assert ends == ["retrained"] * (ROUNDS + 1)
    assert len(requests) == len(set(requests)) == ROUNDS + 1, "once for each content of the source"
    evidence = [entry.body["evidence"] for entry in shop.entries("decisions")]
    assert len(evidence) == len(set(evidence)) == ROUNDS + 2, f"one verdict for each, and the first: {_told(shop)}"
    runs = shop.entries("runs")
    assert len(runs) <= ROUNDS + 2
    happened = [entry for entry in shop.entries("alerts") if entry.body["event"] in ("opened", "grew", "closed")]
    opened = [entry.body["subject"] for entry in happened if entry.body["event"] == "opened"]
    assert "a" in opened
    assert opened.count("source") == ROUNDS + 1
    windows = [entry.body["window"] for entry in shop.entries("windows") if entry.body["last"]]
    assert len(windows) == len(set(windows)) == ROUNDS, "each window is looked at once"
    told = {message["id"] for message in got}
    assert told == {entry.id for entry in happened} | {
        entry.id for entry in shop.entries("watch") if entry.body["event"] == "ended"
    }


def _told(shop: Shop) -> list[str]:
    """What was decided and when, beside the steps that ran."""
    decided = [f"{entry.time:%H:%M:%S} {entry.body['why']}" for entry in shop.entries("decisions")]
    ran = [[step["why"] for step in entry.body["steps"]] for entry in shop.entries("runs")]
    return [*decided, *map(str, ran)]
