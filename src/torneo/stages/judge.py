"""Challengers and champion before the judge; the winner becomes champion, and all of it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from torneo import metrics, promotion
from torneo.errors import ConflictError, NotFoundError
from torneo.judge.decide import decide
from torneo.judge.rules import Rules
from torneo.ports import Version
from torneo.promotion import Champion, barred, champion, follow, guard, record
from torneo.reports.decision import decision_page
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.spec.records import Decided, Decision, GateReport, Prepared, Protocol, Trained, digest_of
from torneo.stages.context import CAUSE, Context
from torneo.stages.scoring import Contender, Judged, by_nested_folds, choose_protocol, contender, on_held_out_rows


def judge(context: Context, results: Mapping[str, Frozen]) -> Decided:
    """Register the challengers, judge them, and promote the winner if there is one.

    Raises:
        ConflictError: there are too few rows that no model has seen.
    """
    prepared, gate = results["prepare"], results["validate"]
    assert isinstance(prepared, Prepared)  # noqa: S101 - for the type checker
    assert isinstance(gate, GateReport)  # noqa: S101 - for the type checker
    trained = {one.name: one for one in results.values() if isinstance(one, Trained)}
    name = context.project.project
    bar = context.progress.step("judge")
    versions = {one.name: _register(context, one) for one in trained.values()}
    evidence = _evidence(context, results)
    with context.state.lock(guard(name), context.owner):
        present = champion(context.state, name)
        decision = _already_decided(context, evidence)
        if decision is None:
            decision = _decide(context, prepared, gate, trained, present)
            record(
                context.state,
                context.registry,
                name,
                action=decision.verdict,
                new=versions[decision.winner] if decision.winner is not None else None,
                by="judge",
                why=_why(context, decision),
                decision=decision,
                evidence=evidence,
            )
        else:
            follow(context.state, context.registry, name)
        _name_challenger(context, decision, trained, versions)
        page = decision_page(decision, name)
        context.objects.put(f"{name}/decisions/{evidence[:32]}.html", page.encode())
        now = champion(context.state, name)
    bar.done(decision.verdict)
    numbers = {one: version.number for one, version in versions.items()}
    return Decided(decision=decision, versions=numbers, champion=None if now is None else now.number)


def _why(context: Context, decision: Decision) -> str:
    """The decision in a sentence, and why the run was started, where no person did."""
    first = decision.words[0] if decision.words else decision.verdict
    cause = context.tags.get(CAUSE)
    return first if cause is None else f"{first} Trained by {cause}."


def _evidence(context: Context, results: Mapping[str, Frozen]) -> str:
    """The digest of all that the decision rests on, but for the champion before it."""
    inputs = {name: result.model_dump(mode="json") for name, result in results.items()}
    return digest_of([inputs, context.project.model_dump(mode="json"), context.code])


def _already_decided(context: Context, evidence: str) -> Decision | None:
    """The last decision if it rests on the same: a run that was killed right after it must not judge twice."""
    entries = context.state.read(context.project.project, promotion.STREAM, last=1)
    if not entries or entries[-1].body.get("evidence") != evidence:
        return None
    return Decision.model_validate(entries[-1].body["decision"])


def _register(context: Context, trained: Trained) -> Version:
    folder = context.work / "register" / trained.bundle.digest[:32]
    if not folder.exists():
        folder.mkdir(parents=True)
        for key in context.objects.list(f"{trained.bundle.key}/"):
            (folder / key.rsplit("/", 1)[1]).write_bytes(context.objects.get(key))
    return context.registry.register(
        context.project.project,
        folder,
        key=trained.bundle.key,
        digest=trained.bundle.digest,
        challenger=trained.name,
        run_id=trained.run_id,
    )


def _name_challenger(
    context: Context, decision: Decision, trained: Mapping[str, Trained], versions: Mapping[str, Version]
) -> None:
    """The alias `challenger` is the best of those that were not promoted and not vetoed."""
    open_ones = [name for name in trained if name != decision.winner and name not in decision.vetoes]
    selection, sign = _selection(context, trained), _metric(context).sign
    best = max(open_ones, key=lambda name: sign * selection[name], default=None)
    number = None if best is None else versions[best].number
    now = {alias: one.number for one in context.registry.versions(context.project.project) for alias in one.aliases}
    if now.get("challenger") != number:
        context.registry.set_alias(context.project.project, "challenger", number)


def _metric(context: Context) -> metrics.Metric:
    return metrics.metric(context.project.metric, context.project.task)


def _selection(context: Context, trained: Mapping[str, Trained]) -> dict[str, float]:
    return {name: float(np.mean(one.cv[context.project.metric])) for name, one in trained.items()}


def _decide(
    context: Context,
    prepared: Prepared,
    gate: GateReport,
    trained: Mapping[str, Trained],
    present: Champion | None,
) -> Decision:
    contesting = {name: one for name, one in trained.items() if present is None or one.bundle.digest != present.digest}
    if not contesting:
        return _unchanged(context, prepared, trained, present)
    challengers = [contender(context, name, one.bundle.key, one.bundle.digest) for name, one in contesting.items()]
    holder = None if present is None else contender(context, "champion", present.bundle, present.digest)
    protocol = choose_protocol(context.project, prepared, holder, challengers)
    reasons = barred(context.state, context.project.project)
    return _judged(
        context,
        prepared,
        gate,
        challengers,
        holder,
        protocol,
        label=None if present is None else f"version {present.number}",
        selection=_selection(context, contesting),
        measured={name: {**one.metrics, **one.measured} for name, one in contesting.items()},
        barred={name: [reasons[one.bundle.digest]] for name, one in contesting.items() if one.bundle.digest in reasons},
    )


def _judged(
    context: Context,
    prepared: Prepared,
    gate: GateReport,
    challengers: list[Contender],
    holder: Contender | None,
    protocol: Protocol,
    *,
    label: str | None,
    selection: Mapping[str, float],
    measured: Mapping[str, Mapping[str, float]],
    barred: Mapping[str, Sequence[str]],
) -> Decision:
    project = context.project
    _require_measured(project, measured, prepared.test.rows)
    contenders = challengers if holder is None else [holder, *challengers]
    if protocol == "nested_cv":
        judged = by_nested_folds(context, pl.read_parquet(context.objects.path(gate.accepted.key)), contenders)
    else:
        judged = on_held_out_rows(context, prepared, contenders)
    return decide(
        {one.label: judged.predictions[one.label] for one in challengers},
        Rules(
            metric=_metric(context),
            protocol=protocol,
            confidence=project.judge.confidence,
            min_gain=project.judge.min_gain,
            seed=project.split.seed,
            guardrails=project.judge.guardrails if measured else {},
        ),
        selection=selection,
        measured=measured,
        champion=None if holder is None else judged.predictions[holder.label],
        label=label,
        slices=_slices(context, judged),
        barred=barred,
    )


def _require_measured(project: Project, measured: Mapping[str, Mapping[str, float]], rows: int) -> None:
    for name, values in measured.items():
        for bar in project.judge.guardrails:
            if bar not in values:
                known = ", ".join(sorted(values))
                raise ConflictError(
                    f"judge.guardrails.{bar}: {name!r} has no value on these {rows} rows (there are: {known})",
                    fix="take the guardrail out, or add data",
                )


def _slices(context: Context, judged: Judged) -> dict[str, np.ndarray]:
    return {name: judged.frame[name].cast(pl.String).to_numpy() for name in context.project.judge.slices}


def _unchanged(
    context: Context, prepared: Prepared, trained: Mapping[str, Trained], present: Champion | None
) -> Decision:
    """All challengers are the champion itself: there is nothing to compare."""
    project = context.project
    label = None if present is None else f"version {present.number}"
    return Decision(
        verdict="keep",
        winner=None,
        champion=label,
        metric=project.metric,
        confidence=project.judge.confidence,
        min_gain=project.judge.min_gain,
        protocol="holdout",
        rows=prepared.test.rows,
        scores={name: one.metrics[project.metric] for name, one in trained.items()},
        words=(f"Keep: the challenger is {label} itself, made again from the same rows.",),
    )


def compare(context: Context, first: int | None, second: int | None) -> Decision:
    """Judge a version (the newest) against another (the champion) by the last run's rows; nothing changes.

    Raises:
        NotFoundError: there is no such version, or no run yet.
        ConflictError: it is the same version.
    """
    name = context.project.project
    versions = {version.number: version for version in context.registry.versions(name)}
    present = promotion.champion(context.state, name)
    against = second if second is not None else None if present is None else present.number
    others = [number for number in versions if number != against]
    chosen = first if first is not None else max(others, default=None)
    for number in (chosen, against):
        if number is None or number not in versions:
            known = ", ".join(str(number) for number in versions) or "none"
            raise NotFoundError(f"{name} has no such version to compare (there are: {known})", fix=f"torneo run {name}")
    if chosen == against or chosen is None or against is None:
        raise ConflictError(f"version {chosen} of {name} cannot be compared with itself")
    known_steps = {step: context.state.get(name, f"step/{step}") for step in ("prepare", "validate")}
    prepared = Prepared.model_validate((known_steps["prepare"] or {}).get("result"))
    gate = GateReport.model_validate((known_steps["validate"] or {}).get("result"))
    challenger = contender(context, f"version {chosen}", versions[chosen].bundle, versions[chosen].digest)
    holder = contender(context, "champion", versions[against].bundle, versions[against].digest)
    return _judged(
        context,
        prepared,
        gate,
        [challenger],
        holder,
        choose_protocol(context.project, prepared, holder, [challenger]),
        label=f"version {against}",
        selection={challenger.label: 0.0},
        measured={},
        barred={},
    )
