"""A profile as a page: what to look at first, an overview, relations, and each column."""

from __future__ import annotations

from collections.abc import Iterator

from torneo.reports.html import badge, escape, page, table
from torneo.reports.profile_charts import heatmap, histogram_chart, meter, relation_chart, spark, value_bars
from torneo.reports.profile_records import ColumnProfile, Numbers, Profile
from torneo.reports.text import moment, number, share, short

OPEN = 40
"""Of a table with more columns, each column is folded away."""
WARNINGS = 60
STYLE = """
details, .column { background: var(--card); border-radius: 8px; padding: 14px 18px; margin: 0 0 14px; }
summary { cursor: pointer; } .column h3, summary h3 { display: inline; } .column > p { margin: 4px 0 0; }
.scroll table { width: 100%; min-width: 760px; } td:nth-child(2) { white-space: nowrap; } td svg { max-width: none; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 8px 28px; margin-top: 10px; }
figure { margin: 0; } figcaption { color: var(--muted); font-size: 13px; margin-bottom: 4px; }
dl { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 10px 0 0; font-size: 13px; }
dl div { display: flex; gap: 6px; } dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: 0; padding-left: 20px; } li { margin: 3px 0; } .warning { color: var(--orange); }
svg .warm { fill: var(--red); } svg .cold { fill: var(--blue); } svg .tiny { font-size: 10.5px; }
@media (prefers-color-scheme: dark) { svg .warm { fill: #c04f00; } svg .cold { fill: #0072b2; } }
"""


def profile_page(profile: Profile) -> str:
    """The profile on one page of HTML that loads nothing.

    >>> import polars as pl
    >>> from torneo.reports.profile import profile
    >>> "3 rows" in profile_page(profile(pl.LazyFrame({"age": [31, None, 40]})))
    True
    """
    return page(f"{profile.project or 'Data'}: profile", _sections(profile), STYLE)


def _sections(profile: Profile) -> Iterator[str]:
    yield f'<p class="muted small">Data profile{" · " + escape(profile.project) if profile.project else ""}</p>'
    yield f"<h1>{_count(profile.rows, 'row')}, {_count(len(profile.columns), 'column')}</h1>{_cards(profile)}"
    if findings := list(_findings(profile)):
        hidden = len(findings) - WARNINGS
        more = f'<p class="muted">… and {hidden} more, at the columns below.</p>' if hidden > 0 else ""
        yield f"<h2>Look at these first</h2><ul>{''.join(findings[:WARNINGS])}</ul>{more}"
    yield f"<h2>Overview</h2>{_overview(profile)}"
    yield from _relations(profile)
    yield "<h2>Columns</h2>"
    for place, column in enumerate(profile.columns):
        yield _column(column, place, folded=len(profile.columns) > OPEN)


def _count(value: int, what: str) -> str:
    return f"{value:,} {what}{'s' if value != 1 else ''}"


def _cards(profile: Profile) -> str:
    cells = profile.rows * len(profile.columns)
    missing = sum(column.missing for column in profile.columns)
    facts = [
        (share(missing / cells) if cells else "0 %", "of values missing"),
        (f"{profile.repeated:,}", "copied rows"),
    ]
    if profile.repeated_keys is not None:
        facts.append((f"{profile.repeated_keys:,}", "repeated keys"))
    if profile.target is not None:
        facts.append((escape(short(profile.target)), f"target ({profile.task})"))
    cards = "".join(f'<div class="card"><b>{value}</b><span class="muted">{what}</span></div>' for value, what in facts)
    return f'<div class="cards">{cards}</div>'


def _findings(profile: Profile) -> Iterator[str]:
    for warning in profile.warnings:
        yield f"<li>{escape(warning)}</li>"
    for place, column in enumerate(profile.columns):
        if column.warnings:
            yield f'<li><a href="#c{place}">{_name(column)}</a>: {escape("; ".join(column.warnings))}</li>'


def _name(column: ColumnProfile) -> str:
    return escape(short(column.name, 60)) or "(no name)"


def _overview(profile: Profile) -> str:
    head = ["column", "type", "missing", "distinct", "", "typical"]
    rows = [_overview_row(column, place) for place, column in enumerate(profile.columns)]
    if not any(column.relation for column in profile.columns):
        return table(head, rows, numbers=(3,))
    says = (_says(column) for column in profile.columns)
    head.append(f"says about {escape(short(profile.target or '', 20))}")
    return table(head, [[*row, said] for row, said in zip(rows, says, strict=True)], numbers=(3,))


def _overview_row(column: ColumnProfile, place: int) -> list[str]:
    about = "" if column.distinct_is_exact else "about "
    shape = column.histogram.counts if column.histogram else tuple(rows for _, rows in column.top)
    return [
        f'<a href="#c{place}">{_name(column)}</a>',
        f'<span class="muted">{escape(column.type or column.kind)}</span>',
        _meter(column.missing / column.rows) if column.missing else "",
        f"{about}{column.distinct:,}",
        spark(shape) if shape and max(shape) > 1 else "",
        _typical(column),
    ]


def _says(column: ColumnProfile) -> str:
    if column.role == "target":
        return badge("target", "keep")
    return _meter(column.relation.strength) if column.relation else ""


def _meter(value: float) -> str:
    return meter(value, share(value).replace("less than", "<").replace("more than", ">"))


def _typical(column: ColumnProfile) -> str:
    if column.numbers is not None:
        low, middle, high = (_value(column, column.numbers.quantiles[place]) for place in (0, 3, -1))
        return f'{escape(middle)} <span class="muted small">({escape(low)} to {escape(high)})</span>'
    return escape(short(column.top[0][0], 24)) if column.top else ""


def _value(column: ColumnProfile, value: float) -> str:
    return moment(value) if column.kind == "time" else number(value, 4)


def _relations(profile: Profile) -> Iterator[str]:
    found = profile.correlations
    sampled = f" Computed on a sample of {profile.related_rows:,} rows." if profile.related_rows < profile.rows else ""
    left = f" {found.left_out} more columns are left out." if found.left_out else ""
    if found.names:
        yield "<h2>Numbers in pairs</h2>"
        yield (
            "<p class=\"muted small\">Below the diagonal Spearman's rank correlation, above it Pearson's; orange is "
            f"positive, blue negative.{sampled}{left}</p>"
        )
        yield f'<div class="scroll">{heatmap(found.names, found.spearman, found.pearson)}</div>'
    if len(found.category_names) > 1:
        yield "<h2>Categories in pairs</h2>"
        yield f'<p class="muted small">Cramér\'s V, 0 for none to 1 for full dependence.{sampled}{left}</p>'
        yield f'<div class="scroll">{heatmap(found.category_names, found.cramer, found.cramer)}</div>'


def _column(column: ColumnProfile, place: int, *, folded: bool) -> str:
    unit = f' <span class="muted">{escape(column.unit)}</span>' if column.unit else ""
    role = "" if column.role in ("feature", "other") else " " + badge(column.role, "keep")
    head = f"<h3>{_name(column)}</h3>{unit}{role}"
    text = f'<p class="muted small">{escape(column.help)}</p>' if column.help else ""
    text += f'<p class="warning small">{escape("; ".join(column.warnings))}</p>' if column.warnings else ""
    body = f'{text}<div class="pair">{_figures(column)}</div>{_facts(column)}'
    if folded:
        return f'<details id="c{place}"><summary>{head}</summary>{body}</details>'
    return f'<section class="column" id="c{place}">{head}{body}</section>'


def _figures(column: ColumnProfile) -> str:
    chart, caption = "", ""
    if column.histogram is not None:
        beyond = f"; {_count(column.histogram.beyond, 'row')} beyond the edges" if column.histogram.beyond else ""
        chart, caption = histogram_chart(column), f"rows by {_name(column)}{beyond}"
    elif column.top and column.top[0][1] > 1:
        chart = value_bars(column)
        rest = column.distinct - len(column.top)
        about = "" if column.distinct_is_exact else "about "
        caption = f"most frequent values; {about}{rest:,} others" if rest > 0 else "values"
    found = _figure(chart, caption)
    if column.relation is not None:
        alone = f"explains {share(column.relation.strength)} of the variation, alone"
        found += _figure(relation_chart(column, column.relation), f"{escape(column.relation.what)}; {alone}")
    return found


def _figure(chart: str, caption: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{chart}</figure>" if chart else ""


def _facts(column: ColumnProfile) -> str:
    about = "" if column.distinct_is_exact else "about "
    facts = [("missing", f"{column.missing:,}"), ("distinct", f"{about}{column.distinct:,}")]
    if column.unreadable:
        facts.append(("unreadable", f"{column.unreadable:,}"))
    if column.numbers is not None:
        facts += _number_facts(column, column.numbers)
    pairs = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f"<dl>{pairs}</dl>"


def _number_facts(column: ColumnProfile, numbers: Numbers) -> list[tuple[str, str]]:
    names = ("smallest", "5 %", "25 %", "median", "75 %", "95 %", "largest")
    facts = [(name, _value(column, value)) for name, value in zip(names, numbers.quantiles, strict=True)]
    if column.kind == "time":
        return facts
    return [
        *facts,
        ("mean", number(numbers.mean, 4)),
        ("deviation", number(numbers.deviation, 4)),
        ("skewness", number(numbers.skewness, 2)),
        ("zeros", f"{numbers.zeros:,}"),
    ]
