"""Loads a bundle only if it is, byte for byte, the one that was registered."""

from __future__ import annotations

from pathlib import Path

from torneo.bundle.scorer import DamagedBundleError, Scorer
from torneo.errors import BundleError


def load(folder: Path, digest: str | None = None, *, threads: int = 1) -> Scorer:
    """A scorer for the bundle in a folder.

    Args:
        digest: the digest that was registered; None takes the bundle as it is, if it agrees with itself.
        threads: how many threads one call may use.

    Raises:
        BundleError: a file is missing, altered or extra, or the bundle is another one; the message names it.
    """
    try:
        return Scorer(folder, digest=digest, threads=threads)
    except DamagedBundleError as error:
        raise BundleError(str(error), fix="fetch the version again from the registry, or train it again") from error
