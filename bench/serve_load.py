"""Load on an HTTP server with wrk, and what the server's processes spent on it."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SCRIPT = """
wrk.method = "POST"
{headers}
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{{"seconds": %.6f, "requests": %d, "p50": %.3f, "p99": %.3f, "errors": %d}}',
    summary.duration / 1e6, summary.requests, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


class Refused(Exception):  # noqa: N818 - a server's word
    """A request is not taken."""


@dataclass(frozen=True)
class Request:
    """What is sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]

    def once(self) -> bytes:
        """Send it once; the body of the answer.

        Raises:
            OSError: nobody answers, or the server is not ready (401, 404, 503).
            Refused: it does not take the request.
        """
        request = urllib.request.Request(self.url, self.body, dict(self.headers))  # noqa: S310 - it is http://127.0.0.1
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            told = f"{self.url}: {error.code} {error.read()[:300]!r}"
            raise (OSError if error.code in (401, 404, 503) else Refused)(told) from None


@dataclass(frozen=True)
class Load:
    """What came of a load."""

    seconds: float
    requests: int
    p50: float
    """Milliseconds."""
    p99: float
    errors: int
    cpu: float
    """Seconds that the server's processes were on a core."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_milliseconds(self) -> float:
        """Per request."""
        return self.cpu / max(1, self.requests) * 1000


def load(request: Request, process: int, folder: Path, *, connections: int, seconds: float) -> Load:
    """Keep so many connections busy for a while."""
    (folder / "body").write_bytes(request.body)
    fields = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in request.headers.items())
    script = folder / "load.lua"
    script.write_text(SCRIPT.format(headers=fields, body=folder / "body"))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script), request.url]
    before = cpu_seconds(process)
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(process) - before
    return Load(**json.loads(told[told.rindex("{") :]), cpu=spent)


def cpu_seconds(process: int) -> float:
    """What a process and its descendants have spent, with the children that have ended."""
    return sum(sum(map(int, stat[11:15])) for stat in _tree(process).values()) / TICKS


def resident_mebibytes(process: int) -> float:
    """The memory of a process and its descendants."""
    pages = sum(int(stat[21]) for stat in _tree(process).values())
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _tree(process: int) -> dict[int, list[str]]:
    """/proc/PID/stat from the state on, of a process and all below it."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stats[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {process}
    while more := {pid for pid, stat in stats.items() if int(stat[1]) in found and pid not in found}:
        found |= more
    return {pid: stats[pid] for pid in found if pid in stats}
