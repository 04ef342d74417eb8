"""A Prometheus of Debian's package that scrapes a server of ours, with the configuration that is shipped."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

SHIPPED = Path(__file__).parent.parent / "deploy" / "monitoring"
PATIENCE = 30.0


def program(name: str) -> str:
    """Where a program of Prometheus is; without it a test is skipped, except in CI."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def promtool(*arguments: str) -> str:
    """Run promtool on what is shipped; fails with what it says."""
    asked = [program("promtool"), *arguments]
    done = subprocess.run(asked, cwd=SHIPPED, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Prometheus:
    """A running one."""

    port: int

    def ask(self, path: str, **parameters: str) -> Any:
        """What the API answers."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}", timeout=20) as answer:
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """Labels and value of each series now."""
        found = self.ask("query", query=expression)
        assert found["resultType"] == "vector", found
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    def value(self, expression: str) -> float:
        """The only value; not a number where there is none."""
        found = self.query(expression)
        assert len(found) < 2, found
        return found[0][1] if found else math.nan

    def wait(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"{what}: not within {PATIENCE:.0f} s"
            time.sleep(0.3)


@contextmanager
def scraping(target: int, port: int, folder: Path) -> Iterator[Prometheus]:
    """Scrape a local port, each second and without a key, until the block ends; the rules are evaluated."""
    written = yaml.safe_load((SHIPPED / "prometheus.yml").read_text(encoding="utf-8"))
    written["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    written["rule_files"] = [str(SHIPPED / "rules.yml")]
    del written["alerting"]
    (job,) = written["scrape_configs"]
    del job["authorization"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(written), encoding="utf-8")
    options = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen([program("prometheus"), *options], stdout=log, stderr=log)
    found = Prometheus(port)
    try:
        found.wait("Prometheus answers", lambda: _is_ready(port))
        yield found
    finally:
        process.kill()
        process.wait()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
