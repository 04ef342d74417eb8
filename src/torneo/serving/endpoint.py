"""One project as it is served: who answers, what is answered, and what the log is told. Knows no HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from torneo.errors import UnavailableError
from torneo.ports import Prediction, Role
from torneo.serving.ids import new_ids
from torneo.serving.inputs import Finding
from torneo.serving.model import Model
from torneo.serving.privacy import Privacy
from torneo.serving.traffic import share_of
from torneo.spec.project import Project

Row = Mapping[str, Any]


class InvalidRowsError(ValueError):
    """Rows break the contract."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(f"{len(findings)} values break the contract")
        self.findings = findings


class Call(NamedTuple):
    """Who asks."""

    request: str
    key: str
    """The id of the API key; empty without one."""
    started: int
    """`time.perf_counter_ns()` at the request's arrival."""
    subject: str = ""
    """What keeps the caller on one side of an A/B test, where the rows do not say it."""


class Predicted(NamedTuple):
    """The answers of one request, and what is written before they may leave."""

    answers: Sequence[dict[str, Any]]
    log: Sequence[Prediction]


@dataclass(frozen=True)
class Lineup:
    """The versions that take part; replaced as a whole, so that a request sees one state of it."""

    champion: Model
    challenger: Model | None = None
    share: float = 0.0
    """The share of the subjects that the challenger answers."""
    shadow: Model | None = None
    """Scored beside, logged, never returned."""


@dataclass
class Endpoint:
    """A served project; what changes is only who stands in the lineup."""

    project: Project
    privacy: Privacy
    lineup: Lineup | None = None
    trouble: str | None = None
    """Why the lineup may be older than it should be."""

    @property
    def name(self) -> str:
        """The project's name."""
        return self.project.project

    @property
    def ready(self) -> Lineup:
        """Who answers.

        Raises:
            UnavailableError: there is no champion yet.
        """
        lineup = self.lineup
        if lineup is None:
            raise UnavailableError(f"{self.name} has no champion yet", fix=f"torneo run {self.name}")
        return lineup

    def predict(self, rows: Sequence[Row], call: Call) -> Predicted:
        """Answer rows.

        Raises:
            InvalidRowsError: rows break the contract; nothing is answered.
            UnavailableError: there is no champion yet.
        """
        lineup = self.ready
        entities = [self.privacy.entity(row) for row in rows] if self.privacy.key else [""] * len(rows)
        if lineup.challenger is None:
            return self._answer(lineup.champion, "champion", rows, entities, call)
        sides: tuple[list[int], list[int]] = ([], [])
        for place, entity in enumerate(entities):
            sides[share_of(entity or call.subject or call.request, self.name) < lineup.share].append(place)
        answers: list[dict[str, Any]] = [{}] * len(rows)
        log: list[Prediction] = []
        models: tuple[tuple[Model, Role], ...] = ((lineup.champion, "champion"), (lineup.challenger, "challenger"))
        for (model, role), places in zip(models, sides, strict=True):
            if places:
                made = self._answer(model, role, [rows[i] for i in places], [entities[i] for i in places], call, places)
                log += made.log
                for place, answer in zip(places, made.answers, strict=True):
                    answers[place] = answer
        return Predicted(answers, log)

    def shadow(self, lineup: Lineup, made: Predicted, rows: Sequence[Row], call: Call) -> Sequence[Prediction]:
        """What the shadow would have answered, for the log alone; nothing if the rows are not what it reads."""
        if lineup.shadow is None:
            return ()
        started = time.perf_counter_ns()
        try:
            shadowed = self._answer(
                lineup.shadow, "shadow", rows, [line.entity for line in made.log], call._replace(started=started)
            )
        except InvalidRowsError:
            return ()
        return [
            line._replace(of=answer["prediction_id"]) for line, answer in zip(shadowed.log, made.answers, strict=True)
        ]

    def _answer(
        self,
        model: Model,
        role: Role,
        rows: Sequence[Row],
        entities: Sequence[str],
        call: Call,
        places: Sequence[int] | None = None,
    ) -> Predicted:
        inputs = model.decoder.decode(rows)
        warnings: Mapping[int, list[dict[str, str]]] = {}
        if inputs.findings:
            warnings = self._warnings(inputs.findings, places)
        answers = model.answers(inputs.columns)
        at = time.time_ns() // 1000
        latency = (time.perf_counter_ns() - call.started) // 1000
        log = []
        for place, (id, row, answer, entity) in enumerate(  # noqa: A001 - the field's name
            zip(new_ids(len(rows), at // 1000), rows, answers, entities, strict=True)
        ):
            if warnings and place in warnings:
                answer["warnings"] = warnings[place]
            output = to_json(answer).decode()
            kept = to_json(self.privacy.kept(row)).decode()
            log.append(
                Prediction(
                    id, self.name, at, call.request, call.key, model.version, role, kept, output, latency, entity
                )
            )
            answer |= {"prediction_id": id, "version": model.version, "role": role}
        return Predicted(answers, log)

    def _warnings(
        self, findings: Sequence[Finding], places: Sequence[int] | None
    ) -> Mapping[int, list[dict[str, str]]]:
        """The findings that need not stop an answer, by row.

        Raises:
            InvalidRowsError: there are others.
        """
        warn = self.project.serve.out_of_range == "warn"
        fatal = [finding for finding in findings if not (warn and finding.is_range)]
        if fatal:
            raise InvalidRowsError(
                fatal if places is None else [finding._replace(row=places[finding.row]) for finding in fatal]
            )
        warnings: dict[int, list[dict[str, str]]] = {}
        for finding in findings:
            told = {"column": finding.column, "reason": finding.reason, "message": finding.message}
            warnings.setdefault(finding.row, []).append(told)
        return warnings
