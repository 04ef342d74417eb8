"""A disk that is soon full."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Mount 4 MiB at a place; what is given makes it 400 MiB."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield place, lambda: _grow(place)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _grow(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=400m", place], check=True)
