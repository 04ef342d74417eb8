"""What every prediction log must do."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from torneo.ports import LogFilter, Logged, Outcome, PredictionLog
from torneo.testing.expect import equal
from torneo.testing.small_log import FIRST, claim, outcome, prediction

if TYPE_CHECKING:
    import polars as pl

Factory = Callable[[], PredictionLog]
EVERYTHING = LogFilter()
SECOND = datetime.timedelta(seconds=1)
STRANGE = {"text": 'ü "\\ \u2028 \U0001f600 \0', "none": None, "number": -1.5e-300, "list": [1, True]}
COLUMNS = (
    *("id", "time", "request", "key", "version", "role", "inputs", "output", "latency_ms", "of", "entity"),
    *("outcome", "outcome_time"),
)


def _ids(lines: Sequence[Logged]) -> list[str]:
    return [line.id for line in lines]


def _frame(log: PredictionLog, wanted: LogFilter = EVERYTHING, *, rows: int = 50_000) -> pl.DataFrame:
    import polars as pl

    frames = list(log.scan("housing", wanted, rows=rows))
    sizes = [len(frame) for frame in frames]
    equal([size for size in sizes if not 0 < size <= rows], [], f"sizes of frames that are not 1 to {rows}")
    return pl.concat(frames) if frames else pl.DataFrame(schema={name: pl.String() for name in COLUMNS})


def keeps_lines(factory: Factory) -> None:
    """Each field comes back as it was written, from `get`, `page` and `scan`, by another opening of the log."""
    written = prediction(
        7, key="abc", version=3, role="shadow", inputs=json.dumps(STRANGE), entity="e1", of=prediction(6).id
    )
    factory().append([written])
    expected = Logged(
        id=written.id,
        time=FIRST + 7 * SECOND,
        request="request-7",
        key="abc",
        version=3,
        role="shadow",
        inputs=STRANGE,
        output={"value": 3.5},
        latency_ms=1.5,
        of=prediction(6).id,
    )
    equal(factory().get("housing", written.id), expected, "line by its id")
    equal(list(factory().page("housing", EVERYTHING)), [expected], "page")
    frame = _frame(factory())
    equal(tuple(frame.columns), COLUMNS, "columns of scan")
    line = (written.id, FIRST + 7 * SECOND, "request-7", "abc", 3, "shadow", written.inputs, written.output, 1.5)
    equal(frame.rows(), [(*line, prediction(6).id, "e1", None, None)], "rows of scan")


def misses_what_is_not_there(factory: Factory) -> None:
    """What nobody wrote is None or nothing; projects do not see each other's lines."""
    log = factory()
    log.append([prediction(1)])
    equal(log.get("housing", prediction(2).id), None, "line that is not there")
    equal(log.get("housing", "no id"), None, "line of what is no id")
    equal(log.get("other", prediction(1).id), None, "line of another project")
    equal(list(log.page("other", EVERYTHING)), [], "page of another project")
    equal(list(log.scan("other", EVERYTHING)), [], "scan of another project")
    equal(log.claim("housing", "key", "name"), None, "claim that is not there")
    equal(dict(log.append([])), {}, "answer to nothing")


def appends_an_id_once(factory: Factory) -> None:
    """An id that is there is not written again, in a later batch or the same; the first stays."""
    log = factory()
    log.append([prediction(1), prediction(1, version=2)])
    factory().append([prediction(1, version=3), prediction(2), prediction(3, project="other")])
    found = log.page("housing", EVERYTHING)
    equal([(line.id, line.version) for line in found], [(prediction(2).id, 1), (prediction(1).id, 1)], "lines")
    equal(len(log.page("other", EVERYTHING)), 1, "lines of another project in the batch")


def appends_batches_of_any_size(factory: Factory) -> None:
    """Small and large batches are there whole."""
    count = 0
    for size in (1, 2, 3, 5, 7, 50, 97, 5000):
        factory().append([prediction(number) for number in range(count, count + size)])
        count += size
    equal(len(_frame(factory())), count, "lines after all batches")


def appends_from_many_threads(factory: Factory) -> None:
    """Threads that append at once lose nothing and write nothing twice."""
    log = factory()

    def write(thread: int) -> None:
        for number in range(10):
            log.append([prediction(100 * thread + number), prediction(number)])

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(partial(write, thread)) for thread in range(1, 5)]:
            done.result()
    equal(len(log.page("housing", EVERYTHING)), 50, "lines")


def keeps_claims(factory: Factory) -> None:
    """The first claim on a name stands, with its answer; lines of other requests that claim it are left out."""
    log = factory()
    first = claim("request-1")
    equal(dict(log.append([prediction(1)], [first])), {}, "answer to the first claim")
    equal(factory().claim("housing", "key", "name"), first, "claim")
    both = [claim("request-2"), claim("request-3", "another")]
    given = factory().append([prediction(2), prediction(3), prediction(4)], both)
    equal(dict(given), {"request-2": first}, "answer to a later claim")
    equal(_ids(log.page("housing", EVERYTHING)), [prediction(n).id for n in (4, 3, 1)], "lines")
    equal(dict(log.append([prediction(1)], [first])), {}, "answer to the same claim again")
    equal(log.claim("housing", "other key", "name"), None, "another key's claim on the name")
    equal(log.claim("other", "key", "name"), None, "another project's claim on the name")
    twice = log.append([prediction(5), prediction(6)], [claim("request-5", "new"), claim("request-6", "new")])
    equal(dict(twice), {"request-6": claim("request-5", "new")}, "answer to two claims in one batch")
    equal(_ids(log.page("housing", EVERYTHING))[0], prediction(5).id, "newest line after two claims in one batch")


def lets_one_claim(factory: Factory) -> None:
    """Of many threads that claim a name at once, one succeeds; the others are all given its claim."""
    log = factory()

    def write(number: int) -> tuple[str, str] | None:
        request = f"request-{number}"
        names = [claim(request, name) for name in (("a", "b") if number % 2 else ("b", "a"))]
        standing = log.append([prediction(number)], names).get(request)
        return None if standing is None else (standing.request, log.page("housing", EVERYTHING)[0].request)

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(write, range(1, 9)))
    equal(sum(1 for each in given if each is None), 1, "claims that succeeded")
    equal({first == winner for first, winner in filter(None, given)}, {True}, "whether the standing claim is written")
    equal(len(log.page("housing", EVERYTHING)), 1, "lines")


def keeps_outcomes(factory: Factory) -> None:
    """The last outcome counts, whatever the order in which they come; unknown ids are given back."""
    log = factory()
    log.append([prediction(number) for number in (1, 2, 3)])
    strange = Outcome("housing", "no id", "1", 1)
    given = log.add_outcomes([outcome(1, 4.5), outcome(9, 1), strange, outcome(2, "ja"), outcome(9, 2)])
    equal(list(given), [prediction(9).id, "no id"], "ids nobody has heard of")
    equal(list(log.add_outcomes([outcome(1, 0, after=3599), outcome(2, "nein", after=3601)])), [], "unknown ids")
    equal(list(log.add_outcomes([outcome(3, 1), outcome(3, 2)])), [], "unknown ids of two outcomes at once")
    equal(list(log.add_outcomes([])), [], "unknown ids of nothing")
    found = {line.request: (line.outcome, line.outcome_time) for line in factory().page("housing", EVERYTHING)}
    expected = {
        "request-1": (4.5, FIRST + 3600 * SECOND),
        "request-2": ("nein", FIRST + 3601 * SECOND),
        "request-3": (2, FIRST + 3600 * SECOND),
    }
    equal(found, expected, "outcomes")
    equal(_frame(log)["outcome"].to_list(), ["4.5", '"nein"', "2"], "outcomes in scan")


def filters(factory: Factory) -> None:
    """Each filter leaves out what it says, from pages and from scans; several all have to agree."""
    log = factory()
    parts: Sequence[dict[str, Any]] = (
        {},
        {"version": 2, "role": "challenger"},
        {"role": "shadow", "of": "x"},
        {"key": "k", "request": "r", "entity": "e"},
        {"entity": "f", "version": 2},
    )
    log.append([prediction(number, **part) for number, part in enumerate(parts)])
    log.add_outcomes([outcome(1, 1), outcome(4, 1)])
    for wanted, expected in (
        (EVERYTHING, [4, 3, 2, 1, 0]),
        (LogFilter(since=FIRST + 2 * SECOND), [4, 3, 2]),
        (LogFilter(until=FIRST + 2 * SECOND), [1, 0]),
        (LogFilter(since=FIRST + SECOND, until=FIRST + 2 * SECOND), [1]),
        (LogFilter(version=2), [4, 1]),
        (LogFilter(role="shadow"), [2]),
        (LogFilter(key="k"), [3]),
        (LogFilter(key=""), [4, 2, 1, 0]),
        (LogFilter(request="r"), [3]),
        (LogFilter(entity="e"), [3]),
        (LogFilter(entity="g"), []),
        (LogFilter(labelled=True), [4, 1]),
        (LogFilter(labelled=False), [3, 2, 0]),
        (LogFilter(labelled=True, version=2, role="challenger"), [1]),
    ):
        ids = [prediction(number).id for number in expected]
        asked = wanted.model_dump(exclude_none=True)
        equal(_ids(log.page("housing", wanted)), ids, f"page of {asked}")
        equal(_frame(log, wanted)["id"].to_list(), ids[::-1], f"scan of {asked}")


def turns_pages(factory: Factory) -> None:
    """Pages follow each other without gap or repetition, the newest first; frames are of the size that was asked."""
    log = factory()
    log.append([prediction(number) for number in range(25)])
    ids = [prediction(number).id for number in range(24, -1, -1)]
    found: list[str] = []
    before = None
    while page := log.page("housing", EVERYTHING, before=before, limit=10):
        equal(len(page) <= 10, True, f"whether a page of {len(page)} lines is within its limit")
        found += _ids(page)
        before = found[-1]
    equal(found, ids, "lines of all pages")
    early = LogFilter(until=FIRST + 5 * SECOND)
    equal(_ids(log.page("housing", early, before=ids[0])), ids[-5:], "a page before an id that is later than `until`")
    equal(_ids(log.page("housing", early, before=ids[-3])), ids[-2:], "a page before an id that is earlier")
    for rows in (1, 10, 25, 26):
        equal(_frame(log, rows=rows)["id"].to_list(), ids[::-1], f"lines of all frames of {rows} rows")


def prunes(factory: Factory) -> None:
    """Lines before a moment are gone, with their outcomes and claims; later ones and other projects' stay."""
    log = factory()
    lines = [prediction(number) for number in range(6)]
    claims = [claim(line.request, line.request, at=line.at) for line in lines]
    log.append([*lines, prediction(0, project="other")], claims)
    log.add_outcomes([outcome(number, 1) for number in range(6)])
    equal(log.prune("housing", FIRST + 4 * SECOND), 4, "lines that were removed")
    left = [(line.request, line.outcome) for line in factory().page("housing", EVERYTHING)]
    equal(left, [("request-5", 1), ("request-4", 1)], "lines that are left")
    names = [name for name in map("request-{}".format, range(6)) if log.claim("housing", "key", name)]
    equal(names, ["request-4", "request-5"], "claims that are left")
    equal(len(log.page("other", EVERYTHING)), 1, "lines of another project")
    equal(log.prune("housing", FIRST + 4 * SECOND), 0, "lines that were removed by the second prune")
    log.append(lines[:1])
    equal(getattr(log.get("housing", lines[0].id), "outcome", "gone"), None, "outcome of a line written anew")


def prunes_much(factory: Factory) -> None:
    """More lines than one transaction removes are removed."""
    log = factory()
    log.append([prediction(number) for number in range(12_003)])
    equal(log.prune("housing", FIRST + 12_000 * SECOND), 12_000, "lines that were removed")
    equal(len(log.page("housing", EVERYTHING)), 3, "lines that are left")


def erases(factory: Factory) -> None:
    """All lines of an entity are gone, with their outcomes and claims; nothing else, and nothing for no entity."""
    log = factory()
    entities = ("a", "b", "a", "")
    log.append(
        [prediction(number, entity=entity) for number, entity in enumerate(entities)],
        [claim(f"request-{number}", str(number)) for number in range(4)],
    )
    log.append([prediction(0, project="other", entity="a")])
    log.add_outcomes([outcome(number, 1) for number in range(4)])
    equal(log.erase("housing", "a"), 2, "lines that were erased")
    left = [(line.request, line.outcome) for line in log.page("housing", EVERYTHING)]
    equal(left, [("request-3", 1), ("request-1", 1)], "lines that are left")
    equal([n for n in range(4) if log.claim("housing", "key", str(n))], [1, 3], "claims that are left")
    equal(log.erase("housing", "a"), 0, "lines that were erased again")
    equal(log.erase("housing", ""), 0, "lines that were erased for no entity")
    equal(len(log.page("other", EVERYTHING)), 1, "lines of another project")


LOG_SUITE = (
    keeps_lines,
    misses_what_is_not_there,
    appends_an_id_once,
    appends_batches_of_any_size,
    appends_from_many_threads,
    keeps_claims,
    lets_one_claim,
    keeps_outcomes,
    filters,
    turns_pages,
    prunes,
    prunes_much,
    erases,
)
"""The checks of a prediction log."""
