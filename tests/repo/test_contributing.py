"""The worked examples of CONTRIBUTING.md work: each is one file, added from outside by an entry point."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from repo.repository import tracked_texts

PLUGINS = {"models": "extra_trees", "checks": "multiple_of", "sources": "arrow"}
PROJECT = """
project: doses
task: regression
target: response
source: {uri: "arrow:doses.arrow"}
contract:
  columns:
    dose:     {type: int, rules: {multiple_of: 5}}
    weight:   {type: float, min: 0}
    response: {type: float}
challengers:
  trees: {model: extra_trees, params: {n_estimators: 20}}
judge: {protocol: holdout}
"""


def _examples() -> dict[str, str]:
    blocks = re.findall(r"```python\n(.*?)```", tracked_texts()["CONTRIBUTING.md"], flags=re.DOTALL)
    return dict(zip(PLUGINS.values(), blocks, strict=True))


@pytest.mark.parametrize("name", PLUGINS.values())
def test_the_examples_in_the_examples_run(name: str) -> None:
    module = ModuleType(name)
    exec(compile(_examples()[name], name, "exec"), module.__dict__)  # noqa: S102 - our own page
    assert doctest.testmod(module).failed == 0


def _install(folder: Path) -> None:
    package, metadata = folder / "doses_plugins", folder / "doses_plugins-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").touch()
    for name, text in _examples().items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    points = [f"[torneo.{kind}]\n{name} = doses_plugins.{name}\n" for kind, name in PLUGINS.items()]
    (metadata / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: doses-plugins\nVersion: 1.0\n", encoding="utf-8")


def _write_doses(file: Path) -> None:
    """120 rows that follow a rule; the dose of the first is no multiple of 5."""
    doses = [12, *(5 * (1 + row % 6) for row in range(1, 120))]
    weights = [50.0 + row * 7 % 40 for row in range(120)]
    responses = [dose / weight for dose, weight in zip(doses, weights, strict=True)]
    table = pa.table({"dose": doses, "weight": weights, "response": responses})
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.slow
def test_a_package_adds_a_model_a_check_and_a_source(tmp_path: Path) -> None:
    _install(tmp_path)
    (tmp_path / "project.yaml").write_text(PROJECT, encoding="utf-8")
    _write_doses(tmp_path / "doses.arrow")
    command = "from torneo.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", command, "run", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "TORNEO_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    results = json.loads(ran.stdout)[0]["results"]
    assert results["validate"]["reasons"] == {"multiple_of_dose": 1}
    assert results["train:trees"]["family"] == "extra_trees"
    assert results["judge"]["decision"]["winner"] == "trees"
