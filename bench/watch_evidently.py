"""Evidently's side of bench/watch.py, in an environment of its own: answers a line of JSON per pair of Parquet files.

`evidently>=0.7.23 "pandas<3.1" pyarrow`. Each line asks for `preset` (the whole report, timed) or `verdicts` (the tests
that the preset would choose, without its report, which takes seconds a window).
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")


def preset(before: Any, now: Any, numeric: list[str]) -> dict[str, Any]:
    """Seconds and CPU-seconds of the preset with its defaults."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    others = [name for name in before if name not in numeric]
    columns = DataDefinition(numerical_columns=numeric, categorical_columns=others)
    wall, cpu = time.perf_counter(), time.process_time()
    sets = [Dataset.from_pandas(frame, data_definition=columns) for frame in (now, before)]
    Report([DataDriftPreset()]).run(*sets).dict()
    return {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def verdicts(before: Any, now: Any, numeric: list[str]) -> dict[str, bool]:
    """Whether each column drifted, by Evidently's default tests and thresholds."""
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    found = {}
    for name in before:
        kind = ColumnType.Numerical if name in numeric else ColumnType.Categorical
        sides = [frame[name].replace([-np.inf, np.inf], np.nan).dropna() for frame in (before, now)]
        if all(len(side) for side in sides):
            found[name] = bool(get_stattest(*sides, kind, None)(*sides, kind, None).drifted)
    return found


def main() -> None:
    """Answer until the questions end."""
    for line in sys.stdin:
        asked = json.loads(line)
        before, now = (pd.read_parquet(asked[side]) for side in ("before", "now"))
        answer = {"preset": preset, "verdicts": verdicts}[asked["what"]](before, now, asked["numeric"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
