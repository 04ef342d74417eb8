"""Torneo with everything on against other servers of the same models, one worker each, in one run.

    TORNEO_DATA=… python bench/serve.py [--server torneo …] [--connections 64 …] [--json FILE]
    TORNEO_DATA=… python bench/serve.py --soak 10

XGBoost (300 trees) on housing and a logistic regression on ads, trained by `torneo run` into a temporary home. Torneo
checks a key, the contract and a rate limit, and waits for its log in SQLite (group commit) with each answer;
`mlflow models serve` serves the very model that was registered; BentoML, MLServer and the FastAPI application that
makes a pandas frame serve a scikit-learn pipeline of the same recipe. Peers are installed into environments of their
own below .torneo/bench; one that cannot be had is left out, with the reason. The load is wrk's (apt-get install wrk).

All servers of a model are up together and are asked in turn, so that what else the machine does meets all alike.
CPU-milliseconds are those of the server's processes; they disturb each other less than requests per second do.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from serve_load import Load, load, resident_mebibytes
from serve_models import RECIPES, Model, train
from serve_peers import CONSTANT, FRAME, TORNEO, Missing, Server, free_port, running, servers

GOALS = {"mlflow models serve": 10.0, FRAME: 5.0, CONSTANT: 0.6}
"""How many times the requests per second of these Torneo should answer."""
HEADERS = (
    "model",
    "rows",
    "conn.",
    "server",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "errors",
    "torneo is",
    "goal",
)
console = Console(width=150)


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=list(RECIPES), help="default: all")
    parser.add_argument("--server", action="append", help="part of a name; default: all")
    parser.add_argument("--rows", action="append", type=int, help="rows per request; default: 1 and 100")
    parser.add_argument("--connections", action="append", type=int, help="default: 1, 8 and 64")
    parser.add_argument("--seconds", type=float, default=4, help="of one load")
    parser.add_argument("--rounds", type=int, default=3, help="the median is told")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="Torneo alone, at about half of what it can do")
    parser.add_argument("--json", type=Path, help="write the figures to a file, too")
    return parser.parse_args()


def compare(asked: argparse.Namespace, folder: Path, home: Path, models: Sequence[Model]) -> Sequence[dict[str, Any]]:
    """The figures, a record per server, model, number of rows and number of connections."""
    made = list(available(asked.server, home, models))
    records = []
    for model in models:
        with ExitStack() as stack:
            up = {}
            for server in made:
                port = free_port()
                try:
                    up[server] = port, stack.enter_context(running(server, model, port, folder))
                except Missing as missing:
                    console.print(f"{server.name} is left out: {missing}", markup=False)
            for rows in asked.rows or (1, 100):
                for connections in asked.connections or (1, 8, 64):
                    found = _measured(asked, folder, model, up, rows, connections)
                    records += [{"model": model.name, "rows": rows, "connections": connections} | one for one in found]
    return records


def available(wanted: Sequence[str] | None, home: Path, models: Sequence[Model]) -> Iterator[Server]:
    """The servers that can be had here."""
    for name, make in servers(home, models).items():
        if wanted and not any(part.lower() in name.lower() for part in wanted):
            continue
        try:
            yield make()
        except Missing as missing:
            console.print(f"{name} is left out: {missing}", markup=False)


def _measured(
    asked: argparse.Namespace,
    folder: Path,
    model: Model,
    up: Mapping[Server, tuple[int, int]],
    rows: int,
    connections: int,
) -> Iterator[dict[str, Any]]:
    loads: dict[Server, list[Load]] = {server: [] for server in up}
    for seconds in (1, *[asked.seconds] * asked.rounds):  # the first to get warm
        for server, (port, process) in up.items():
            request = server.request(model, port, rows)
            loads[server].append(load(request, process, folder, connections=connections, seconds=seconds))
    for server, found in loads.items():
        told = {field: statistics.median(getattr(one, field) for one in found[1:]) for field in ("rate", "p50", "p99")}
        told["cpu_milliseconds"] = statistics.median(one.cpu_milliseconds for one in found[1:])
        yield {"server": server.name, **told, "errors": sum(one.errors for one in found[1:])}


def table(records: Sequence[Mapping[str, Any]]) -> Table:
    """The figures, and how many times each server's requests per second Torneo answers."""
    shown = Table(*HEADERS, title=f"One worker each, load average {os.getloadavg()[0]:.1f}", title_justify="left")
    ours = {_case(one): one["rate"] for one in records if one["server"] == TORNEO}
    for one in records:
        mine, goal = ours.get(_case(one)), GOALS.get(one["server"])
        times = "" if mine is None or one["server"] == TORNEO else f"{mine / one['rate']:.2f} x"
        figures = (f"{one['rate']:,.0f}", f"{one['p50']:.2f}", f"{one['p99']:.2f}", f"{one['cpu_milliseconds']:.3f}")
        case = (one["model"], str(one["rows"]), str(one["connections"]), one["server"])
        shown.add_row(*case, *figures, str(one["errors"]), times, "" if goal is None else f"≥ {goal:g} x")
    return shown


def _case(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return record["model"], record["rows"], record["connections"]


def soak(minutes: float, folder: Path, home: Path, models: Sequence[Model]) -> Iterator[dict[str, Any]]:
    """A line per half minute; the number of connections is the smallest that makes half of the most there is."""
    server = servers(home, models)[TORNEO]()
    model, port = models[0], free_port()
    with running(server, model, port, folder) as process:
        request = server.request(model, port, 1)
        most = load(request, process, folder, connections=64, seconds=10).rate
        for connections in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32):
            if load(request, process, folder, connections=connections, seconds=5).rate >= most / 2:
                break
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            found = load(request, process, folder, connections=connections, seconds=min(30, minutes * 60))
            yield {
                "connections": connections,
                "share": found.rate / most,
                "rate": found.rate,
                "p50": found.p50,
                "p99": found.p99,
                "errors": found.errors,
                "mebibytes": resident_mebibytes(process),
                "load": os.getloadavg()[0],
            }


def main() -> None:
    """Print the table."""
    asked = arguments()
    if shutil.which("wrk") is None:
        sys.exit("wrk makes the load, and is not installed: apt-get install wrk")
    if "TORNEO_DATA" not in os.environ:
        sys.exit("set TORNEO_DATA to the folder of HousingData.csv and Social_Network_Ads.csv")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the servers end, too
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as name:
        folder, home = Path(name), Path(name) / "home"
        models = train(home, asked.model or list(RECIPES))
        if asked.soak:
            records = []
            for line in soak(asked.soak, folder, home, models):
                records.append(line)
                console.print({key: round(value, 2) for key, value in line.items()})
        else:
            records = list(compare(asked, folder, home, models))
            console.print(table(records))
    if asked.json:
        told = {"time": datetime.datetime.now(datetime.UTC).isoformat(), "load": os.getloadavg(), "records": records}
        asked.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
