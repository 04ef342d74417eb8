"""One project as it is served: who answers, what is answered, and what the log is told. Knows no HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from pydantic_core import to_json

from torneo.errors import UnavailableError
from torneo.ports import Prediction, Role
from torneo.serving.ids import new_ids
from torneo.serving.inputs import NO_ANSWER, Finding
from torneo.serving.model import Model, NoAnswerError
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

    @cached_property
    def has_code(self) -> bool:
        """Whether an answer runs code of the project (features.py), which may take any time."""
        return any(model.scorer.info["uses_hook"] for model in (self.champion, self.challenger) if model is not None)


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
        """Answer the rows of one request.

        Raises:
            InvalidRowsError: rows break the contract; nothing is answered.
            UnavailableError: there is no champion yet.
        """
        return self.predict_all([(rows, call)])[0]

    def predict_all(self, requests: Sequence[tuple[Sequence[Row], Call]]) -> Sequence[Predicted]:
        """Answer several requests with one question to the model; all of them see the same lineup.

        Raises:
            InvalidRowsError: rows of one of them break the contract; none is answered, and rows are counted over all.
            UnavailableError: there is no champion yet.
        """
        lineup = self.ready
        rows = [row for asked, _ in requests for row in asked]
        calls = [call for asked, call in requests for _ in asked]
        entities = [self.privacy.entity(row) for row in rows] if self.privacy.key else [""] * len(rows)
        if lineup.challenger is None:
            made = self._answer(lineup.champion, "champion", rows, entities, calls)
        else:
            made = self._shared(lineup.champion, lineup.challenger, lineup.share, rows, entities, calls)
        if len(requests) == 1:
            return [made]
        parts, start = [], 0
        for asked, _ in requests:
            end = start + len(asked)
            parts.append(Predicted(made.answers[start:end], made.log[start:end]))
            start = end
        return parts

    def _shared(
        self,
        champion: Model,
        challenger: Model,
        share: float,
        rows: Sequence[Row],
        entities: Sequence[str],
        calls: Sequence[Call],
    ) -> Predicted:
        """The answers of two versions, each to its own subjects' rows."""
        sides: tuple[list[int], list[int]] = ([], [])
        for place, (entity, call) in enumerate(zip(entities, calls, strict=True)):
            sides[share_of(entity or call.subject or call.request, self.name) < share].append(place)
        found: dict[int, tuple[dict[str, Any], Prediction]] = {}
        models: tuple[tuple[Model, Role], ...] = ((champion, "champion"), (challenger, "challenger"))
        for (model, role), places in zip(models, sides, strict=True):
            if places:
                theirs, of, by = [rows[i] for i in places], [entities[i] for i in places], [calls[i] for i in places]
                made = self._answer(model, role, theirs, of, by, places)
                found |= zip(places, zip(made.answers, made.log, strict=True), strict=True)
        in_order = [found[place] for place in range(len(rows))]
        return Predicted([answer for answer, _ in in_order], [line for _, line in in_order])

    def shadow(self, lineup: Lineup, made: Predicted, rows: Sequence[Row], call: Call) -> Sequence[Prediction]:
        """What the shadow would have answered, for the log alone; nothing if the rows are not what it reads."""
        if lineup.shadow is None:
            return ()
        started = time.perf_counter_ns()
        try:
            shadowed = self._answer(
                lineup.shadow,
                "shadow",
                rows,
                [line.entity for line in made.log],
                [call._replace(started=started)] * len(rows),
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
        calls: Sequence[Call],
        places: Sequence[int] | None = None,
    ) -> Predicted:
        inputs = model.decoder.decode(rows)
        warnings: Mapping[int, list[dict[str, str]]] = {}
        if inputs.findings:
            warnings = self._warnings(inputs.findings, places)
        try:
            answers = model.answers(inputs.columns)
        except NoAnswerError as error:
            message = "the model has no finite answer for these values"
            raise InvalidRowsError(
                [Finding(row if places is None else places[row], "", NO_ANSWER, message) for row in error.rows]
            ) from None
        for place, told in warnings.items():
            answers[place]["warnings"] = told
        at, now = time.time_ns() // 1000, time.perf_counter_ns()
        name, version, kept = self.name, model.version, self.privacy.kept if self.privacy.marked else None
        log = []
        for id, row, answer, entity, call in zip(  # noqa: A001 - the field's name
            new_ids(len(rows), at // 1000), rows, answers, entities, calls, strict=True
        ):
            output = to_json(answer).decode()
            written = to_json(row if kept is None else kept(row)).decode()
            latency = (now - call.started) // 1000
            log.append(
                Prediction(id, name, at, call.request, call.key, version, role, written, output, latency, entity)
            )
            answer["prediction_id"] = id
            answer["version"] = version
            answer["role"] = role
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
