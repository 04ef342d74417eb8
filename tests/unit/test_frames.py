"""Rows that are kept do not keep the frames they were taken from: memory is bounded, however large a table is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import small
from torneo.spec.records import LINE

ROWS = 360_000
SCRIPT = """
import sys
from pathlib import Path

data = Path(sys.argv[1])
WORK
status = Path("/proc/self/status").read_text(encoding="ascii")
print(kept, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""
GATE = """
import small
from torneo.engines.gate import gate
from torneo.testing import SilentProgress

columns = {name: {"type": "int"} for name in ("id", *(f"n{place}" for place in range(40)))}
project = small.project(contract={"columns": {**columns, "y": {"type": "category", "values": [0, 1]}}, "key": ["id"]})
folder = data.parent / "gated"
folder.mkdir()
kept = gate(project, data.with_name("wide.parquet"), folder, SilentProgress(), {}, batch_rows=16_000).rejected.rows
"""
HEAD = """
from torneo.engines import sample

sample.BATCH_ROWS = 4_000
kept = sample.head(data, 100).height
"""
FACTS = """
from torneo.draft import facts, table

table.BATCH_CELLS, facts.SAMPLED_CELLS = 12_000, 6_000
kept = facts.gather(table.text_table(data.with_suffix(".csv"), data.parent))[1].height
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long texts, 360 MB of them, as Parquet and CSV; numbers, 310 MB, with two neighbours of one key in each batch."""
    path = tmp_path_factory.mktemp("snapshot") / "data.parquet"
    number = pl.int_range(ROWS)
    frame = pl.select(note=pl.format("{} {}", number, pl.lit("long text " * 100)), y=number % 2)
    frame.write_csv(path.with_suffix(".csv"))
    frame.write_parquet(path, row_group_size=4_000)
    number = pl.int_range(960_000)
    key = pl.when(number % 16_000 == 1).then(number - 1).otherwise(number)
    wide = pl.select((number + 2).alias(LINE), id=key, y=number % 2, **{f"n{place}": number for place in range(40)})
    wide.write_parquet(path.with_name("wide.parquet"), row_group_size=16_000)
    return path


@pytest.mark.parametrize(
    ("work", "rows", "most"),
    [
        pytest.param(GATE, range(120, 121), 460, id="gate"),  # 320 MiB; 610 if it keeps the batches
        pytest.param(HEAD, range(50, 101), 245, id="head"),  # 170; 320
        pytest.param(FACTS, range(2500, 3500), 620, id="facts"),  # 470; 770
    ],
)
def test_memory_is_not_that_of_the_table(snapshot: Path, work: str, rows: range, most: int) -> None:
    script = [sys.executable, "-c", SCRIPT.replace("WORK", work), str(snapshot)]
    settings = {**os.environ, "PYTHONPATH": str(Path(small.__file__).parent), "POLARS_MAX_THREADS": "2"}
    done = subprocess.run(script, capture_output=True, text=True, check=True, env=settings)
    kept, mebibytes = map(int, done.stdout.split())
    assert kept in rows
    assert mebibytes < most, "MiB at most"
