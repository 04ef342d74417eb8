"""The contract as a Great Expectations suite, with Data Docs (extra `gx`; the only importer of great_expectations).

What Great Expectations can state itself (missing, bounds, values, pattern) becomes an expectation on the column. The
other rules are expectations on Boolean columns that the gate has computed, so its verdict is the gate's, reason by
reason. It is a record for people: the gate alone decides about rows.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from torneo.errors import MissingExtraError
from torneo.spec.columns import NUMERIC, Column, Contract, Rule, canonical_text
from torneo.spec.loading import AnyProject

MOST_ROWS = 100_000
PREFIX = "passes "
_RULES: tuple[Rule, ...] = ("min", "max", "above", "below", "values", "pattern", "compute")


def passes(reason: str) -> str:
    """The Boolean column that says whether a row passes the check of that reason."""
    return f"{PREFIX}{reason}"


def expectations(project: AnyProject, frame: pl.DataFrame, folder: Path) -> Path:
    """Write `suite.json`, `validation.json` and the pages `data_docs/` into a folder; gives the first page.

    Args:
        project: its contract becomes the suite, named as the project.
        frame: at most 100,000 rows that take part in the gate: the contract's columns in their types, and for each
            reason the column `passes REASON` (`torneo.engines.sample.sample` makes it).
        folder: where to write; `data_docs/` in it is replaced.

    Raises:
        MissingExtraError: Great Expectations is not installed, or PySpark is there without what it needs.
    """
    gx = _great_expectations()
    return _write(gx, project.project, list(_expectations(gx.expectations, project, frame)), _as_pandas(frame), folder)


def raw_expectations(project: AnyProject, frame: pl.DataFrame, folder: Path) -> Path:
    """The same for rows as they came: there are some, and the columns that the contract reads are there.

    Raises:
        MissingExtraError: as `expectations`.
    """
    gx = _great_expectations()
    kinds = gx.expectations
    rules = [kinds.ExpectTableRowCountToBeBetween(min_value=1, meta={"reason": "no_rows"})]
    for name, column in project.contract.columns.items():
        if column.compute is None:
            meta = {"reason": f"no_column_{name}"}
            rules.append(kinds.ExpectColumnToExist(column=column.header or name, meta=meta))
    return _write(gx, f"{project.project}_raw", rules, _as_pandas(frame), folder)


def _write(gx: Any, name: str, rules: list[Any], frame: Any, folder: Path) -> Path:
    pages = folder / "data_docs"
    if pages.is_dir():
        shutil.rmtree(pages)
    pages.mkdir(parents=True)
    context = _context(gx, pages)
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=rules))
    result = _validate(gx, context, suite, frame)
    _write_json(folder / "suite.json", _without_ids(suite.to_json_dict()))
    counts = {one.expectation_config.meta["reason"]: one.result.get("unexpected_count", 0) for one in result.results}
    _write_json(folder / "validation.json", {"success": bool(result.success), "rows": len(frame), "refused": counts})
    return pages / "index.html"


def _great_expectations() -> Any:
    """Great Expectations, which ends the process without a word where PySpark lacks grpcio."""
    if importlib.util.find_spec("great_expectations") is None:
        raise MissingExtraError("great-expectations", "gx", "the suite")
    if importlib.util.find_spec("pyspark") is not None and importlib.util.find_spec("grpc") is None:
        raise MissingExtraError("pyspark[connect]", "spark", "Great Expectations beside PySpark")
    import great_expectations

    return great_expectations


def _expectations(kinds: Any, project: AnyProject, frame: pl.DataFrame) -> Iterator[Any]:
    """One expectation for each reason that the frame knows, in the order of the contract."""
    stated: dict[str, Any] = {}
    rules = Counter(_reasons(project.contract))
    for name, column in project.contract.columns.items():
        for reason, kind, arguments in _column_rules(name, column):
            if rules[reason] == 1:  # rules that share a reason are one expectation
                meta = {"reason": reason}
                stated[reason] = getattr(kinds, kind)(column=name, meta=meta, description=_words(reason), **arguments)
    for column_name in frame.columns:
        if column_name.startswith(PREFIX):
            reason = column_name.removeprefix(PREFIX)
            yield stated.get(reason) or kinds.ExpectColumnValuesToBeInSet(
                column=column_name, value_set=[True], meta={"reason": reason}, description=_words(reason)
            )


def _reasons(contract: Contract) -> Iterator[str]:
    """The reason of each rule of the contract."""
    for name, column in contract.columns.items():
        given = {rule: getattr(column, rule) is not None for rule in _RULES}
        for rule, there in {"type": True, "missing": not column.nullable, **given}.items():
            if there:
                yield column.reason(rule, name)
        yield from (column.reasons.get(rule) or f"{rule}_{name}" for rule in column.rules)
    yield from contract.checks


def _words(reason: str) -> str:
    return f"Rows that break this are refused as `{reason}`."


def _column_rules(name: str, column: Column) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Reason, kind of expectation and its arguments for what Great Expectations can state itself.

    A computed column is missing or not by its inputs, too, which it cannot.
    """
    if not column.nullable and column.compute is None:
        from great_expectations.expectations.row_conditions import Column as Rows

        readable = Rows(passes(column.reason("type", name))) == True  # noqa: E712 - it builds a condition
        yield column.reason("missing", name), "ExpectColumnValuesToNotBeNull", {"row_condition": readable}
    between = "ExpectColumnValuesToBeBetween"
    if column.min is not None:
        yield column.reason("min", name), between, {"min_value": _bound(column.min)}
    if column.max is not None:
        yield column.reason("max", name), between, {"max_value": _bound(column.max)}
    if column.above is not None:
        yield column.reason("above", name), between, {"min_value": _bound(column.above), "strict_min": True}
    if column.below is not None:
        yield column.reason("below", name), between, {"max_value": _bound(column.below), "strict_max": True}
    if column.values is not None:
        convert = float if column.type in NUMERIC else canonical_text
        values = [convert(value) for value in column.values]
        yield column.reason("values", name), "ExpectColumnValuesToBeInSet", {"value_set": values}
    if column.pattern is not None:
        regex = {"regex": rf"^(?:{column.pattern})\Z"}
        yield column.reason("pattern", name), "ExpectColumnValuesToMatchRegex", regex


def _bound(bound: Any) -> Any:
    """A bound as pandas compares it: a day is its midnight, a moment is in UTC."""
    if not isinstance(bound, datetime.date):
        return bound
    if not isinstance(bound, datetime.datetime):
        return datetime.datetime.combine(bound, datetime.time())
    return bound if bound.tzinfo is None else bound.astimezone(datetime.UTC).replace(tzinfo=None)


def _as_pandas(frame: pl.DataFrame) -> Any:
    return frame.with_columns(pl.col(pl.Date).cast(pl.Datetime("us"))).to_pandas()


def _context(gx: Any, folder: Path) -> Any:
    """A place for the suite in memory, without telemetry, that writes Data Docs into a folder."""
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = {"globally": False}
    for site in list(context.get_docs_sites_urls()):
        context.delete_data_docs_site(site["site_name"])
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    site = {"class_name": "SiteBuilder", "show_how_to_buttons": False, "site_index_builder": index}
    context.add_data_docs_site("docs", {**site, "store_backend": store})
    return context


def _validate(gx: Any, context: Any, suite: Any, frame: Any) -> Any:
    """The result of a suite on a pandas frame; builds Data Docs."""
    asset = context.data_sources.add_pandas("snapshot").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all")
    definition = gx.ValidationDefinition(name="contract", data=batch, suite=suite)
    pages = gx.checkpoint.UpdateDataDocsAction(name="pages", site_names=["docs"])
    checkpoint = gx.Checkpoint(
        name="contract", validation_definitions=[context.validation_definitions.add(definition)], actions=[pages]
    )
    done = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
    return next(iter(done.run_results.values()))


def _without_ids(value: Any) -> Any:
    """The suite without the random ids, so that the same contract gives the same file."""
    if isinstance(value, dict):
        return {key: _without_ids(one) for key, one in value.items() if key != "id"}
    return [_without_ids(one) for one in value] if isinstance(value, list) else value


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
