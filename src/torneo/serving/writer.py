"""Writes the log for an event loop: all that waits is written in one transaction (group commit), by one thread.

An answer may leave when `write` has returned. If the database does not answer or its disk is full, what waits is kept
and tried again; who has waited too long, or finds too much waiting, is told so. What of it is not in the hands of the
database then is not written later.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torneo.errors import TorneoError, UnavailableError
from torneo.ports import Claim, Prediction, PredictionLog

Mode = Literal["sync", "group", "async"]
"""`group`: an answer waits until its lines are on disk, in one transaction with all that waited. `sync`: in one of its
own. `async`: it does not wait; what the last `LOSS_SECONDS` have brought is lost if the process is killed."""
LOSS_SECONDS = 0.1
MOST_ROWS = 5_000
"""So many rows are written in one transaction, and one request more."""
PAUSE = 0.1
"""Seconds until a failed transaction is tried again."""
PROBE_SECONDS = 1.0
"""How often a log that failed is asked whether it answers again, while nobody has anything to write."""

_logger = logging.getLogger("torneo.serving")


@dataclass(slots=True, eq=False)
class _Waiting:
    predictions: Sequence[Prediction]
    claims: Sequence[Claim]
    deadline: float
    answered: asyncio.Future[Claim | None] | None


class LogWriter:
    """The writer of one process; `write` may be called from the event loop that is running at construction.

    Args:
        most: how many rows may wait; more are refused.
        patience: seconds that a request may wait for a log that does not answer.
    """

    def __init__(self, log: PredictionLog, mode: Mode = "group", *, most: int = 50_000, patience: float = 5.0) -> None:
        self._log = log
        self._mode = mode
        self._most = most
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._waiting: list[_Waiting] = []
        self._writing: list[_Waiting] = []
        self._rows = 0
        self._ends: float | None = None
        self.failure: str | None = None
        """Why the log cannot be written now, if it cannot."""
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()
        self._watch = self._loop.create_task(self._watch_patience())

    @property
    def waiting(self) -> int:
        """How many rows wait to be written."""
        return self._rows

    async def write(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Claim | None:
        """Write lines; gives another request's claim if one of `claims` is taken: nothing was written then.

        Raises:
            UnavailableError: the log does not answer, or too much waits for it; nothing was or will be acknowledged.
        """
        waits = self._mode != "async" or bool(claims)
        answered: asyncio.Future[Claim | None] | None = self._loop.create_future() if waits else None
        deadline = time.monotonic() + self._patience if waits else float("inf")
        if not self._add(_Waiting(predictions, claims, deadline, answered)):
            raise UnavailableError(f"predictions cannot be logged now: {self.failure or 'too many wait for the log'}")
        return None if answered is None else await answered

    def hand_over(self, predictions: Sequence[Prediction]) -> bool:
        """Have lines written that nobody waits for; False if too much waits. Any thread may call it."""
        return self._add(_Waiting(predictions, (), float("inf"), None))

    async def close(self) -> None:
        """Write what waits, as long as patience lasts, and end."""
        self._ends = time.monotonic() + self._patience
        self._some.set()
        await asyncio.to_thread(self._thread.join)
        self._watch.cancel()

    async def _watch_patience(self) -> None:
        """Tell who has waited too long while the database does not even say that it cannot be had."""
        while True:
            await asyncio.sleep(self._patience / 4)
            now = time.monotonic()
            with self._lock:
                late = [item for item in self._waiting if item.deadline <= now]
                if late:
                    self._waiting = [item for item in self._waiting if item.deadline > now]
                    self._rows = sum(len(item.predictions) for item in self._waiting)
                late += [item for item in self._writing if item.deadline <= now]
            if late:
                self.failure = self.failure or f"the log has not answered for {self._patience:g} seconds"
                self._tell(late, f"predictions cannot be logged now: {self.failure}")

    def _add(self, item: _Waiting) -> bool:
        with self._lock:
            if self._rows + len(item.predictions) > self._most or self._ends is not None:
                return False
            self._waiting.append(item)
            self._rows += len(item.predictions)
        if not self._some.is_set():
            self._some.set()
        return True

    def _run(self) -> None:
        while True:
            if not self._some.wait(PROBE_SECONDS if self.failure else None):
                self._probe()
                continue
            batch = self._take()
            if batch:
                self._write(batch)
            elif self._ends is not None:
                return
            if self._mode == "async" and self._ends is None:
                time.sleep(LOSS_SECONDS / 2)

    def _take(self) -> list[_Waiting]:
        with self._lock:
            count = rows = 0
            for item in self._waiting:
                count, rows = count + 1, rows + len(item.predictions)
                if rows >= MOST_ROWS or self._mode == "sync":
                    break
            batch = self._waiting[:count]
            del self._waiting[:count]
            self._writing = batch
            self._rows -= rows
            if not self._waiting and self._ends is None:
                self._some.clear()
        return batch

    def _write(self, batch: list[_Waiting]) -> None:
        """Write a batch; if that fails, all who have waited too long are told, and the others wait on."""
        predictions = [line for item in batch for line in item.predictions]
        try:
            standing = self._log.append(predictions, [claim for item in batch for claim in item.claims])
        except Exception as error:  # whatever it is: this thread is the only one that writes
            if not isinstance(error, TorneoError):
                _logger.exception("predictions cannot be logged")
            self.failure = error.message if isinstance(error, TorneoError) else "the log failed"
            self._tell(self._put_back(batch), f"predictions cannot be logged now: {self.failure}")
            time.sleep(PAUSE)
        else:
            self.failure = None
            self._writing = []
            self._tell(batch, standing)

    def _probe(self) -> None:
        """See whether a log that failed answers again: who is told to stay away would never bring it to light."""
        try:
            self._log.claim("", "", "")
        except TorneoError as error:
            self.failure = error.message
        else:
            self.failure = None

    def _put_back(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Make a batch wait again; gives those, of all that wait, who have waited too long."""
        now = time.monotonic()
        over = self._ends is not None and self._ends <= now
        with self._lock:
            self._writing = []
            everyone = batch + self._waiting
            late = [item for item in everyone if over or item.deadline <= now]
            self._waiting = [item for item in everyone if not over and item.deadline > now]
            self._rows = sum(len(item.predictions) for item in self._waiting)
            if self._waiting:
                self._some.set()
        return late

    def _tell(self, batch: Sequence[_Waiting], outcome: Mapping[str, Claim] | str) -> None:
        """Wake up who waits: with the claim that stands instead of their own, or with what went wrong."""

        def tell() -> None:
            for item in batch:
                if item.answered is None or item.answered.done():
                    continue
                if isinstance(outcome, str):
                    item.answered.set_exception(UnavailableError(outcome))
                else:
                    taken = [outcome[claim.request] for claim in item.claims if claim.request in outcome]
                    item.answered.set_result(taken[0] if taken else None)

        self._loop.call_soon_threadsafe(tell)
