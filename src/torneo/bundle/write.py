"""A bundle as files: the graph, its description, the project's hook, and a digest of each."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from torneo.bundle.scorer import DIGESTS, HOOK, INFO, MODEL
from torneo.errors import ConflictError
from torneo.spec.records import BundleInfo


def write(folder: Path, model: bytes, info: BundleInfo, *, features_source: str | None = None) -> str:
    """Write a bundle into a new or empty folder; equal content gives equal bytes. Gives the bundle's digest.

    Args:
        model: the ONNX graph.
        features_source: the text of features.py, if `info.uses_hook`.

    Raises:
        ConflictError: the folder has files, or the hook and `info.uses_hook` do not agree.
    """
    if info.uses_hook != (features_source is not None):
        raise ConflictError(
            f"uses_hook is {info.uses_hook}, but features.py was {'not ' if features_source is None else ''}given"
        )
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConflictError(f"{folder} is not empty", fix="write each bundle into a folder of its own")
    text = json.dumps(info.model_dump(mode="json"), ensure_ascii=False, indent=1, allow_nan=False)
    files = {MODEL: model, INFO: text.encode()}
    if features_source is not None:
        files[HOOK] = features_source.encode()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    files[DIGESTS] = json.dumps(digests, separators=(",", ":")).encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return bundle_digest(folder)


def bundle_digest(folder: Path) -> str:
    """The sha256 of digests.json, which covers all other files."""
    return hashlib.sha256((folder / DIGESTS).read_bytes()).hexdigest()
