"""A bundle as an MLflow pyfunc model: its files, one loader file, and the requirements."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torneo.bundle
from torneo.bundle.scorer import HOOK

FOLDER = "model"
"""The folder of the model among the run's artifacts."""
LOADER = Path(torneo.bundle.__file__).with_name("scorer.py")
MODULE = "torneo_scorer"
"""What the loader is called in an environment that has no Torneo."""
REQUIREMENTS = ("numpy", "onnxruntime", "pandas")
HOOK_REQUIREMENTS = ("polars",)
"""What a bundle needs besides, if it has a hook of the project."""


@contextmanager
def as_pyfunc(bundle: Path, loader: Path) -> Iterator[Path]:
    """A temporary folder with the bundle as a pyfunc model."""
    import mlflow.pyfunc

    with tempfile.TemporaryDirectory(prefix="torneo-") as scratch:
        code = Path(scratch) / f"{MODULE}.py"
        shutil.copyfile(loader, code)
        folder = Path(scratch) / FOLDER
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=MODULE,
            data_path=str(bundle),
            code_paths=[str(code)],
            pip_requirements=_requirements(bundle),
        )
        yield folder


def digests(bundle: Path) -> Mapping[str, str]:
    """The sha256 of each of the bundle's files, as tags."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    return {
        f"sha256.{path.relative_to(bundle).as_posix()}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _requirements(bundle: Path) -> list[str]:
    names = (*REQUIREMENTS, *(HOOK_REQUIREMENTS if (bundle / HOOK).exists() else ()))
    return [f"{name}=={importlib.metadata.version(name)}" for name in names]
