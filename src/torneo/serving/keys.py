"""API keys: who may ask for what. The present keys are what the entries of a hash-chained stream add up to.

A key is the text `torneo_<id>_<secret>`. The secret is 256 random bits, shown once; the stream has its SHA-256. A slow
hash, as passwords need, would protect nothing here, since nobody can try 2²⁵⁶ secrets, and would cost every request.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from hmac import compare_digest
from typing import Literal

from torneo.errors import ConflictError, NotFoundError, UnavailableError
from torneo.ports import INSTALLATION, Clock, Entry, StateStore
from torneo.spec.frozen import Frozen, shortened

STREAM = "keys"
PREFIX = "torneo_"
ID_BYTES = 6
SECRET_BYTES = 32
ID = slice(len(PREFIX), len(PREFIX) + 2 * ID_BYTES)
SECRET = slice(ID.stop + 1, None)
NOBODY = bytes(sha256().digest_size)
"""What the secret of an unknown key is compared with, so that the time says nothing about which ids there are."""

Scope = Literal["predict", "read", "feedback", "admin"]


class Revocation(Frozen):
    """That a key was withdrawn."""

    time: datetime.datetime
    by: str
    why: str


class Key(Frozen):
    """An API key, without its secret."""

    id: str
    name: str
    sha256: str
    """The digest of the secret, in hexadecimal."""
    scopes: tuple[Scope, ...]
    """What it may be used for; `admin` includes all others."""
    projects: tuple[str, ...] = ()
    """The projects it is good for; all, and the installation itself, if there are none."""
    created: datetime.datetime
    by: str
    expires: datetime.datetime | None = None
    revoked: Revocation | None = None

    def may(self, scope: Scope, project: str | None) -> bool:
        """Whether it covers a scope on a project, or (None) on the installation."""
        return (scope in self.scopes or "admin" in self.scopes) and (not self.projects or project in self.projects)

    def status(self, now: datetime.datetime) -> Literal["active", "expired", "revoked"]:
        """Whether it can be used at a moment."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "active"


def create_key(
    state: StateStore,
    name: str,
    scopes: Iterable[Scope],
    *,
    by: str,
    projects: Iterable[str] = (),
    expires: datetime.datetime | None = None,
) -> tuple[Key, str]:
    """Make a key; gives it and its whole text, which cannot be had again."""
    id, secret = secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES)  # noqa: A001 - the field's name
    entry = state.append(
        INSTALLATION,
        STREAM,
        id,
        {
            "event": "created",
            "id": id,
            "name": name,
            "sha256": sha256(secret.encode()).hexdigest(),
            "scopes": sorted(set(scopes)),
            "projects": sorted(set(projects)),
            "by": by,
            "expires": None if expires is None else expires.isoformat(),
        },
    )
    return _fold([entry])[id], f"{PREFIX}{id}_{secret}"


def list_keys(state: StateStore) -> Sequence[Key]:
    """All keys in the order in which they were made, those that were revoked or have expired too.

    Raises:
        ConflictError: the stream was altered.
    """
    return list(_fold(state.read(INSTALLATION, STREAM)).values())


def revoke_key(state: StateStore, which: str, *, by: str, why: str) -> Key:
    """Withdraw a key, named by its id or by its whole text; gives it as it is now.

    Raises:
        NotFoundError: there is no such key.
        ConflictError: it was revoked before.
    """
    id = which[ID] if which.startswith(PREFIX) else which  # noqa: A001 - the field's name
    known = {key.id: key for key in list_keys(state)}
    if id not in known:
        raise NotFoundError(f"there is no key {shortened(id)}", fix="torneo keys list shows the ids")
    if (before := known[id].revoked) is not None:
        raise ConflictError(f"key {id} was revoked by {before.by} at {before.time:%Y-%m-%d %H:%M} UTC: {before.why}")
    state.append(INSTALLATION, STREAM, f"{id}-revoked", {"event": "revoked", "id": id, "by": by, "why": why})
    return next(key for key in list_keys(state) if key.id == id)


def _fold(entries: Iterable[Entry]) -> dict[str, Key]:
    keys: dict[str, Key] = {}
    for entry in entries:
        event, body = entry.body["event"], {name: value for name, value in entry.body.items() if name != "event"}
        if event == "created":
            keys[body["id"]] = Key.model_validate({**body, "created": entry.time})
        elif event == "revoked":
            revoked = Revocation(time=entry.time, by=body["by"], why=body["why"])
            keys[body["id"]] = keys[body["id"]].model_copy(update={"revoked": revoked})
        else:
            raise ConflictError(
                f"entry {entry.sequence} of the keys is a {shortened(event)}, which this Torneo does not know",
                fix="upgrade to the version that wrote it",
            )
    return keys


class Keyring:
    """The keys that were not revoked, as of the last `refresh`, in memory: finding one takes about a microsecond.

    Keys are kept nowhere else on this machine, since one that was revoked meanwhile would come to life again: where the
    state store does not answer from the start, nobody is known until `refresh` has read them.

    Raises:
        ConflictError: the stream was altered.
    """

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._clock = clock
        self._seen: str | None = None
        self._held: Mapping[str, tuple[bytes, Key]] = {}
        self.is_read = False
        """Whether the keys have been read at all."""
        with suppress(UnavailableError):
            self.refresh(state)

    def refresh(self, state: StateStore) -> bool:
        """Read the keys again if the stream has moved; gives whether it has. Another thread may call it.

        If it raises, the keys stay what they were: who had a key is answered while the store is down, revocations
        arrive when it is back, and expiry is looked at with each use in any case.

        Raises:
            UnavailableError: the state store does not answer.
            ConflictError: the stream was altered.
        """
        last = [entry.digest for entry in state.read(INSTALLATION, STREAM, last=1)]
        self.is_read = self.is_read or not last
        if last == [self._seen] or (not last and self._seen is None):
            return False
        entries = state.read(INSTALLATION, STREAM)
        keys = _fold(entries).values()
        self._held = {key.id: (bytes.fromhex(key.sha256), key) for key in keys if key.revoked is None}
        self._seen = entries[-1].digest if entries else None
        self.is_read = True
        return True

    def find(self, presented: str) -> Key | None:
        """The key whose text was presented, or None: no such key, another secret, revoked or expired."""
        digest, key = self._held.get(presented[ID], (NOBODY, None))
        same = compare_digest(digest, sha256(presented[SECRET].encode("utf-8", "replace")).digest())
        if key is None or not same or not presented.startswith(PREFIX) or presented[ID.stop] != "_":
            return None
        return None if key.expires is not None and self._clock.now() >= key.expires else key
