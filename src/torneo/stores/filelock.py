"""One process at a time on this machine, by a lock on a file; the kernel frees it when the process ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torneo.errors import UnavailableError

PAUSE = 0.02
"""Seconds between two attempts."""


@contextmanager
def file_lock(path: Path, *, seconds: float = 60) -> Iterator[None]:
    """Hold the lock of a file while the block runs; the file is made, and stays.

    Raises:
        UnavailableError: another process has held it for all of `seconds`.
    """
    deadline = time.monotonic() + seconds
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise UnavailableError(
                        f"{path} has been locked by another process for {seconds:g} s",
                        fix=f"see who has it with `fuser {path}`, and try again when it has ended",
                    ) from None
                time.sleep(PAUSE)
        yield
