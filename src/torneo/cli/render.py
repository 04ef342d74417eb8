"""Results as tables for people."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from torneo.doctor import Finding
from torneo.orchestration.local import RunReport
from torneo.ports import Entry
from torneo.promotion import Champion
from torneo.serving.keys import Key
from torneo.spec.project import Project
from torneo.spec.records import Decision, GateReport

VERDICTS = {"promote": "[bold green]promote[/]", "keep": "[bold]keep[/]", "inconclusive": "[yellow]inconclusive[/]"}
SHOWN_COLUMNS = 6
SHOWN_LETTERS = 24


def table(title: str, *columns: str) -> Table:
    """A table in the house style; a column whose name starts with `#` is a number."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
        min_width=min(len(title), 100),
    )
    for name in columns:
        made.add_column(name.removeprefix("#"), justify="right" if name.startswith("#") else "left")
    return made


def run_report(console: Console, spec: Project, report: RunReport, where: str) -> None:
    """What a run ended with: challengers, verdict, and what to type next (`where` is how the project was named)."""
    decided = report.results["judge"]
    decision = Decision.model_validate(decided["decision"])
    console.print()
    console.print(_challengers(spec, report, decided["versions"], decided["champion"], decision))
    decision_tables(console, decision)
    gate = GateReport.model_validate(report.results["validate"])
    refused = f", {gate.rejected.rows:,} refused" if gate.rejected.rows else ""
    work = "nothing to do, all steps are up to date" if report.unchanged else f"{len(report.steps)} steps"
    console.print(f"[dim]{gate.accepted.rows:,} rows accepted{refused}; {work}; digest {report.digest[:12]}[/dim]")
    commands = [f"[bold]{escape(f'torneo {name} {where}'.strip())}[/]" for name in ("history", "compare", "profile")]
    console.print(f"\nnext:  {'   '.join(commands)}")


def _challengers(
    spec: Project, report: RunReport, versions: Mapping[str, int], champion: int | None, decision: Decision
) -> Table:
    metric = decision.metric
    trained = [result for name, result in report.results.items() if name.startswith("train:")]
    names = [metric, *(name for name in _shown_metrics(spec.task) if name != metric)]
    nested = [f"#nested cv {metric}"] if decision.protocol == "nested_cv" else []
    made = table(
        f"{spec.project}: challengers",
        "challenger",
        "family",
        f"#cv {metric}",
        *nested,
        *(f"#{name}" for name in names),
        "#version",
        "",
    )
    for result in trained:
        scores = result["cv"][metric]
        mean = sum(scores) / len(scores)
        spread = (sum((score - mean) ** 2 for score in scores) / max(1, len(scores) - 1)) ** 0.5
        judged = decision.scores.get(result["name"])
        number = versions.get(result["name"])
        made.add_row(
            escape(result["name"]),
            result["family"],
            f"{mean:.4g} ± {spread:.2g}",
            *(["" if judged is None else f"{judged:.4g}"] if nested else []),
            *(f"{result['metrics'][name]:.4g}" for name in names),
            str(number or ""),
            "[bold green]champion[/]" if number is not None and number == champion else "",
        )
    return made


def _shown_metrics(task: str) -> tuple[str, ...]:
    return ("rmse", "mae", "r2") if task == "regression" else ("accuracy", "f1", "auc")


def decision_tables(console: Console, decision: Decision) -> None:
    """A decision: its comparisons, bars, vetoes and words."""
    if decision.comparisons:
        made = table(
            "against the champion",
            "challenger",
            "#champion",
            "#challenger",
            "#gain",
            f"{decision.confidence:.0%} interval",
            "#p (Holm)",
            "test",
            "verdict",
        )
        for one in decision.comparisons:
            made.add_row(
                escape(one.challenger),
                f"{one.champion_score:.4g}",
                f"{one.challenger_score:.4g}",
                f"{one.gain:+.4g}",
                f"{one.low:+.4g} … {one.high:+.4g}",
                f"{one.p_adjusted:.3f}",
                one.test,
                VERDICTS[one.verdict],
            )
        console.print(made)
    missed = [bar for bar in decision.guardrails if not bar.passed]
    for bar in missed:
        console.print(
            f"[red]✗[/red] {escape(bar.challenger)}: {bar.name} {bar.value:.4g} misses the bar {escape(bar.bar)}"
        )
    console.print(f"verdict: {VERDICTS[decision.verdict]}")
    for sentence in decision.words:
        console.print(f"  {escape(sentence)}", soft_wrap=not console.is_terminal)


def status_table(
    console: Console, name: str, known: Mapping[str, Mapping[str, Any] | None], champion: Champion | None
) -> None:
    """What each step did last."""
    made = table(f"{name}: steps", "step", "#seconds", "when", "why it ran")
    for step, body in known.items():
        if body is None:
            made.add_row(step, "", "[dim]never[/dim]", "")
        else:
            made.add_row(step, f"{body['seconds']:.1f}", body["at"][:19].replace("T", " "), escape(body["why"] or ""))
    console.print(made)
    if "merge" in known:
        return
    told = (
        "none yet" if champion is None else f"version {champion.number} ({champion.challenger}, {champion.digest[:12]})"
    )
    console.print(f"champion: [bold]{escape(told)}[/bold]")


def history_table(console: Console, name: str, entries: Sequence[Entry]) -> None:
    """All decisions."""
    made = table(f"{name}: decisions", "#", "when", "action", "#champion", "by", "why")
    for entry in entries:
        body = entry.body
        number = "" if body["champion"] is None else str(body["champion"]["number"])
        made.add_row(
            str(entry.sequence),
            f"{entry.time:%Y-%m-%d %H:%M}",
            body["action"],
            number,
            escape(body["by"]),
            escape(body["why"]),
        )
    console.print(made)
    console.print("[dim]the chain of digests holds[/dim]" if entries else "no decision yet")


def quarantine_tables(console: Console, name: str, report: GateReport, refused: Sequence[Mapping[str, Any]]) -> None:
    """Reasons with counts, then rows."""
    reasons = table(f"{name}: {report.rejected.rows:,} of {report.rows:,} rows refused", "reason", "#rows")
    for reason, count in sorted(report.reasons.items(), key=lambda item: -item[1]):
        reasons.add_row(escape(reason), f"{count:,}")
    console.print(reasons)
    if not refused:
        return
    columns = [column for column in refused[0] if column not in ("line", "reasons")]
    hidden = len(columns) - SHOWN_COLUMNS
    rows = table("", "#line", "reasons")
    for name in (*columns[:SHOWN_COLUMNS], *([f"… {hidden} more"] if hidden > 0 else [])):
        rows.add_column(escape(name))
    for row in refused:
        cells = ["" if row[column] is None else escape(_cut(str(row[column]))) for column in columns[:SHOWN_COLUMNS]]
        rows.add_row(str(row["line"]), escape(", ".join(row["reasons"])), *cells)
    console.print(rows)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_LETTERS else f"{text[: SHOWN_LETTERS - 1]}…"


def keys_table(console: Console, keys: Sequence[Key], now: datetime.datetime) -> None:
    """All API keys."""
    styles = {"active": "[green]active[/]", "expired": "[yellow]expired[/]", "revoked": "[red]revoked[/]"}
    made = table("API keys", "id", "name", "scopes", "projects", "created", "by", "expires", "status")
    for key in keys:
        reason = "" if key.revoked is None else f" [dim]by {escape(key.revoked.by)}: {escape(key.revoked.why)}[/]"
        made.add_row(
            key.id,
            escape(key.name),
            ", ".join(key.scopes),
            escape(", ".join(key.projects)) or "all",
            f"{key.created:%Y-%m-%d %H:%M}",
            escape(key.by),
            "never" if key.expires is None else f"{key.expires:%Y-%m-%d %H:%M}",
            styles[key.status(now)] + reason,
        )
    console.print(made if keys else "no key yet; make one:  torneo keys create NAME --scope predict")


def findings_table(console: Console, findings: Sequence[Finding]) -> None:
    """What `doctor` found."""
    for finding in findings:
        mark = "[green]✓[/green]" if finding.good else "[red]✗[/red]"
        console.print(f"{mark} {finding.subject}: {escape(finding.message)}")
        if finding.fix:
            console.print(f"    [green]fix[/green] {escape(finding.fix)}")
