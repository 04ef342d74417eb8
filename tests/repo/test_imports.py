"""The direction of imports, and what starting the command line may load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from repo.repository import ROOT

HEAVY = (
    "alembic",
    "duckdb",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numpy",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "polars",
    "psycopg",
    "pyarrow",
    "scipy",
    "shap",
    "sklearn",
    "sqlalchemy",
    "xgboost",
)


def test_the_folder_listing_is_the_architecture() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_the_command_line_starts_without_a_data_library() -> None:
    code = f"import sys, torneo.cli.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert started.stdout.strip() == "[]"
