"""`torneo init FILE --target COLUMN`: a project.yaml that loads and runs as it is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from torneo.draft.dates import Dates, dates_in
from torneo.draft.facts import Facts, gather
from torneo.draft.guess import Guess, guess, with_blanks
from torneo.draft.leaks import Leak, leaks
from torneo.draft.roles import Roles, assign
from torneo.draft.table import TextTable, text_table
from torneo.draft.target import Target, as_target, named
from torneo.draft.vocabulary import ODD_NULLS
from torneo.draft.write import Plan, slug, write
from torneo.errors import SourceError
from torneo.spec.load import parse, validate
from torneo.spec.project import Project
from torneo.spec.source import NULLS

MOMENTS = 10
"""A series has at least so many different dates."""
MOST_REFUSED = 0.04
"""The share of rows that the drafted contract may refuse, below its max_rejected."""
FEW_ROWS = 50


@dataclass(frozen=True)
class Draft:
    """A drafted project."""

    project: str
    """The project's name."""
    text: str
    """The text of project.yaml."""
    notes: tuple[str, ...]
    """What a person should know, a sentence each."""


def draft(path: Path, target: str | None, *, name: str | None = None, folder: Path | None = None) -> Draft:
    """Draft a project from a data file.

    Args:
        path: a CSV, Parquet or JSON lines file; text may be compressed.
        target: the column to predict.
        name: the project's name; without it the file's name decides.
        folder: where project.yaml will stand; the file's path is written relative to it. Without it a relative path
            is written as given, and of an absolute one only the file's name.

    Raises:
        SourceError: the file cannot be read as a table, or the target is missing or cannot be predicted; the message
            says what it is and what to do. Without `target` it proposes one.
    """
    with tempfile.TemporaryDirectory(prefix="torneo-init-") as scratch:
        table = text_table(path, Path(scratch))
        facts, sample, decimal = gather(table)
        dates = _dates(table, facts, sample)
        guesses = _guesses(table, facts, dates)
        chosen = named(table, target, str(path), guesses)
        goal = as_target(guesses[chosen], facts[chosen], str(path), table.blank > 0)
        roles = assign(table, facts, guesses, chosen)
        columns = {**roles.columns, chosen: goal.column}
        found = leaks(sample, columns, chosen, goal.task, decimal)
    _can_learn(columns, chosen, path)
    columns, found = _with_leaks(columns, found, chosen)
    split, why = _split(columns, dates, roles, goal)
    notes = _notes(table, columns, goal, roles, found, dates, split)
    plan = Plan(
        project=slug(name if name is not None else path.name),
        uri=_uri(path, folder),
        table=table,
        decimal=decimal,
        nulls=tuple(sorted({text for each in guesses.values() for text in each.nulls})),
        columns=columns,
        target=goal,
        key=roles.key,
        split=split,
        split_why=why,
        notes=notes,
    )
    text = write(plan)
    validate(parse(text, "project.yaml"), Project)
    return Draft(plan.project, text, notes)


def _dates(table: TextTable, facts: Mapping[str, Facts], sample: pl.DataFrame) -> dict[str, Dates]:
    """The columns that hold dates; numbers may be dates only if all read as YYYYMMDD."""
    found = {}
    for name, each in facts.items():
        numbers = each.numbers > 0
        if numbers and not (each.low >= 19_000_101 and each.high <= 21_001_231 and each.unreadable == 0):
            continue
        dates = dates_in(table, sample[name], NULLS + ODD_NULLS)
        if dates is not None and not (numbers and dates.unread):
            found[name] = dates
    return found


def _guesses(table: TextTable, facts: Mapping[str, Facts], dates: Mapping[str, Dates]) -> dict[str, Guess]:
    guesses = {name: guess(each, dates.get(name)) for name, each in facts.items()}
    while sum(each.refused for each in guesses.values()) > MOST_REFUSED * table.rows:
        worst = max(guesses.values(), key=lambda each: each.refused)
        note = f"{worst.name}: too many values do not fit; it is read as text, which models leave out."
        guesses[worst.name] = Guess(worst.name, "text", worst.nullable, nulls=worst.nulls, notes=(note,))
    nulls = frozenset(text for each in guesses.values() for text in each.nulls)
    return {
        name: replace(with_blanks(each, facts[name], nulls), header=table.headers.get(name))
        for name, each in guesses.items()
    }


def _with_leaks(columns: Mapping[str, Guess], found: list[Leak], target: str) -> tuple[dict[str, Guess], list[Leak]]:
    """Leave out what leaks for certain, unless nothing else is left: then it may be the law that is looked for."""
    certain = {leak.name for leak in found if leak.certain}
    if not any(each.usable for name, each in columns.items() if name not in certain and name != target):
        found = [replace(leak, certain=False) for leak in found]
    marked = dict(columns)
    for leak in found:
        if leak.certain:
            marked[leak.name] = replace(columns[leak.name], feature=False, remark=f"a leak: it {leak.reason}")
        else:
            marked[leak.name] = replace(columns[leak.name], remark=f"a leak? {leak.skill:.4f} alone")
    return marked, found


def _can_learn(columns: Mapping[str, Guess], target: str, path: Path) -> None:
    if any(each.usable for name, each in columns.items() if name != target):
        return
    why = "; ".join(f"{name}: {each.type}, {each.remark}" for name, each in list(columns.items())[:8] if name != target)
    raise SourceError(
        f"{path}: no column is left from which {target!r} could be predicted ({why})",
        fix="give a file with numbers or categories that are known before the target is",
    )


def _split(
    columns: Mapping[str, Guess], dates: Mapping[str, Dates], roles: Roles, goal: Target
) -> tuple[dict[str, object], str]:
    series = [
        name
        for name, each in dates.items()
        if columns[name].type in ("date", "datetime")
        and each.ordered
        and not (columns[name].nullable or each.unread)
        and each.moments >= MOMENTS
    ]
    if series:
        return {"test": "20%", "by_time": series[0]}, "the latest rows judge: the rows come in the order of time"
    if roles.group is not None:
        return {"test": "20%", "group": roles.group, "seed": 42}, "rows that share it stay on one side"
    if goal.task == "classification" and goal.smallest >= 5:
        return {"test": "20%", "stratify": goal.column.name, "seed": 42}, "the same class shares on both sides"
    return {"test": "20%", "seed": 42}, "these rows judge, and are never trained on"


def _notes(
    table: TextTable,
    columns: Mapping[str, Guess],
    goal: Target,
    roles: Roles,
    found: list[Leak],
    dates: Mapping[str, Dates],
    split: Mapping[str, object],
) -> tuple[str, ...]:
    notes = [*table.notes, *(note for each in columns.values() for note in each.notes), *goal.notes]
    if goal.incomplete:
        notes.append(f"Rows without {goal.column.name} are left out by `where`.")
    if roles.key is not None:
        notes.append(f"{roles.key} is different in each row: it is the key, and models do not read it.")
    notes += [f"{leak.name} is left out as a leak: it {leak.reason}." for leak in found if leak.certain]
    doubtful = [leak for leak in found if not leak.certain]
    if doubtful:
        names = ", ".join(leak.name for leak in doubtful)
        best = max(leak.skill for leak in doubtful)
        notes.append(
            f"Each alone predicts {goal.column.name} almost perfectly (up to {best:.4f} of 1): {names}. They are kept; "
            "set `feature: false` for those that are not known before the outcome is."
        )
    waiting = [name for name in dates if columns[name].type in ("date", "datetime") and "by_time" not in split]
    if waiting:
        notes.append(f"If later rows are to be predicted from earlier ones, set `split: {{by_time: {waiting[0]}}}`.")
    if table.rows < FEW_ROWS:
        notes.append(f"{table.rows} row(s) are very few: expect no more than a first try.")
    return tuple(dict.fromkeys(notes))


def _uri(path: Path, folder: Path | None) -> str:
    if folder is not None:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    return path.name if path.is_absolute() else path.as_posix()
