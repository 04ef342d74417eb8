"""Keeps lineups at what the state store says: who is champion, and who takes part beside.

What is down does not stop what serves: a lineup stays until the next one is loaded whole, and the last good one is kept
on this machine, so that a server also starts while the state store or the object store does not answer.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torneo.errors import BundleError, NotFoundError, TorneoError, UnavailableError
from torneo.ports import ObjectStore, StateStore
from torneo.promotion import Champion, champion
from torneo.serving.endpoint import Endpoint, Lineup
from torneo.serving.model import Model
from torneo.serving.traffic import Traffic, traffic
from torneo.spec.frozen import Frozen

log = logging.getLogger("torneo.serving")

SECONDS = 1.0
"""How often the state store is asked."""


class Wanted(Frozen):
    """The versions that should take part."""

    champion: Champion
    traffic: Traffic


@dataclass
class Follower:
    """Follows the state store for the endpoints of one process.

    Args:
        folder: where bundles and the last good lineups are kept on this machine.
        others: what else is to be looked at each time, such as the keys; each may raise a TorneoError.
    """

    endpoints: Sequence[Endpoint]
    state: StateStore
    objects: ObjectStore
    folder: Path
    others: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    threads: int = 1
    troubles: dict[str, str] = field(default_factory=dict)
    """What went wrong the last time, by the name of `others`."""
    _present: dict[str, Wanted] = field(default_factory=dict)
    _noted: dict[str, Wanted] = field(default_factory=dict)
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> threading.Thread:
        """Look once, and then again and again in a thread until `stop`."""
        self.look()
        thread = threading.Thread(target=self._run, name="follower", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()

    def look(self) -> None:
        """Bring everything to what the stores say now; what cannot be is told in `trouble`. Any thread may call it."""
        with self._looking:  # or an older answer could replace a newer one
            self._look()

    def _look(self) -> None:
        for endpoint in self.endpoints:
            try:
                self._follow(endpoint)
                endpoint.trouble = None
            except Exception as error:  # noqa: BLE001 - whatever it is, what serves goes on and is looked after again
                endpoint.trouble = _told(error)
                if endpoint.lineup is None:
                    self._last_good(endpoint)
        for name, other in self.others.items():
            try:
                other()
                self.troubles.pop(name, None)
            except Exception as error:  # noqa: BLE001 - the same
                self.troubles[name] = _told(error)

    def _run(self) -> None:
        while not self._ended.wait(SECONDS):
            self.look()

    def _follow(self, endpoint: Endpoint) -> None:
        now = champion(self.state, endpoint.name)
        if now is None:
            raise NotFoundError(f"{endpoint.name} has no champion yet")
        wanted = Wanted(champion=now, traffic=traffic(self.state, endpoint.name))
        if wanted != self._present.get(endpoint.name):
            self._put(endpoint, wanted)
        if wanted != self._noted.get(endpoint.name):
            _write(self._note(endpoint), wanted.model_dump_json().encode())
            self._noted[endpoint.name] = wanted

    def _last_good(self, endpoint: Endpoint) -> None:
        note = self._note(endpoint)
        if note.is_file():
            try:
                self._put(endpoint, Wanted.model_validate(json.loads(note.read_bytes())))
            except (TorneoError, ValueError) as error:
                endpoint.trouble = f"{endpoint.trouble}; nor can the last good version be loaded: {error}"

    def _put(self, endpoint: Endpoint, wanted: Wanted) -> None:
        old = endpoint.lineup
        present = [model for model in (old.champion, old.challenger, old.shadow) if model] if old else []
        loaded = {(model.version, model.digest): model for model in present}

        def model(version: Champion) -> Model:
            known = loaded.get((version.number, version.digest))
            return known or open_model(version, self.objects, self.folder, self.threads)

        beside = wanted.traffic
        endpoint.lineup = Lineup(
            champion=model(wanted.champion),
            challenger=model(beside.challenger) if beside.challenger else None,
            share=beside.share,
            shadow=model(beside.shadow) if beside.shadow else None,
        )
        self._present[endpoint.name] = wanted

    def _note(self, endpoint: Endpoint) -> Path:
        return self.folder / f"{endpoint.name}.json"


def open_model(version: Champion, objects: ObjectStore, folder: Path, threads: int = 1) -> Model:
    """Load a version from this machine's copy in a folder; one that is damaged is fetched once more.

    Raises:
        BundleError: the object store's is not the bundle that was registered.
        NotFoundError: the object store does not have it.
        UnavailableError: the object store does not answer, or the folder cannot be written.
    """
    copy = folder / version.digest
    if copy.is_dir():
        try:
            return Model.open(version, copy, threads=threads)
        except BundleError:
            shutil.rmtree(copy, ignore_errors=True)
    fetch(objects, version.bundle, copy)
    try:
        return Model.open(version, copy, threads=threads)
    except BundleError:
        shutil.rmtree(copy, ignore_errors=True)
        raise


def _told(error: Exception) -> str:
    """What an operator is told; what nobody has foreseen is in the server's log."""
    if isinstance(error, TorneoError):
        return error.message
    log.error("a server cannot follow its champion", exc_info=error)
    return f"{type(error).__name__}: the server's log has the reason"


def fetch(objects: ObjectStore, bundle: str, folder: Path) -> None:
    """Copy a bundle's files into a folder that is there whole or not at all.

    Raises:
        NotFoundError: there is no such bundle.
        UnavailableError: the object store does not answer, or the folder cannot be written.
    """
    keys = objects.list(bundle)
    if not keys:
        raise NotFoundError(f"there is no bundle {bundle}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
        try:
            for key in keys:
                (made / key.rpartition("/")[2]).write_bytes(objects.get(key))
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except FileExistsError:
        return
    except OSError as error:
        if folder.is_dir():
            return  # another process was quicker
        raise UnavailableError(f"{folder} cannot be written: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise UnavailableError(f"{path} cannot be written") from None
