"""Threads that compute, each request's within its time.

Code of a project has threads of its own: what sleeps there keeps nobody else's.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from torneo.http.problems import Problem

OWN = 8
"""So many requests to one project run its code at once; others wait for their turn, as long as they have time."""

Made = TypeVar("Made")


class Threads:
    """The threads of one worker; those of a project are made when it needs them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._own: dict[str, ThreadPoolExecutor] = {}

    async def run(self, project: str | None, work: Callable[[], Made], started: int) -> Made:
        """What the work makes; of what comes too late nobody hears.

        Args:
            project: whose code it runs, if any.
            started: `time.perf_counter_ns()` at the arrival of the request.

        Raises:
            Problem: the request's time is over.
        """
        left = self._seconds - (time.perf_counter_ns() - started) / 1e9
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        future = loop.run_in_executor(self._pool(project), partial(context.run, work))
        try:
            await asyncio.wait({future}, timeout=max(left, 0.0))
            if not future.done():
                raise Problem(504, f"there was no answer within {self._seconds:g} seconds; nothing was logged")
            return future.result()
        finally:
            future.cancel()  # what has not begun never will

    def _pool(self, project: str | None) -> ThreadPoolExecutor | None:
        if project is None:
            return None
        if project not in self._own:
            self._own[project] = ThreadPoolExecutor(OWN, thread_name_prefix=f"code of {project}")
        return self._own[project]

    def close(self) -> None:
        """Begin nothing more."""
        for pool in self._own.values():
            pool.shutdown(wait=False, cancel_futures=True)
