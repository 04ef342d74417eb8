"""Who this process is, and whether another one still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")
DEAD = frozenset({"Z", "X"})
"""The states of a process that has ended and was not yet waited for."""


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one with the same number by the time it was started."""

    host: str
    """The machine's name, for people."""
    machine: str
    """This boot of the machine and its process numbers' namespace: within it a number means one process."""
    pid: int
    started: str

    def is_dead(self) -> bool:
        """Whether it is known to have ended; of another machine nothing is known, so False."""
        return self.machine == _machine() and _started(self.pid) != self.started


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    return Process(socket.gethostname(), _machine(), pid, _started(pid) or "")


@cache
def _machine() -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """When a process was started, in clock ticks since boot; "" where the system does not say; None if it has ended."""
    try:
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None if (PROC / "self/stat").exists() else _started_without_proc(pid)
    return None if state in DEAD else fields[18]


def _started_without_proc(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""
