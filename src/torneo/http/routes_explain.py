"""Why an answer is what it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import APIRouter, Request

from torneo.bundle.explain import Explanation, UnexplainableError, explain
from torneo.http.apart import apart
from torneo.http.asked import Asked, Body, Predicts, Reads
from torneo.http.described import body
from torneo.http.problems import Problem, invalid_rows
from torneo.http.routes_history import logged
from torneo.http.routes_model import ready_lineup
from torneo.http.sent import rows_of
from torneo.serving.model import Model
from torneo.spec.frozen import Frozen

MOST = 100
"""So many rows of one request are explained."""
WAITING = 16
"""So many requests may wait for theirs; explanations are computed one after another, beside predictions."""

router = APIRouter()


class Explained(Explanation):
    """The explanation of one row; `base` plus all `values` is `output`."""

    model: str
    version: int


class Explanations(Frozen):
    """Those of many rows, in their order."""

    explanations: Sequence[Explained]


GRACE = 1.0
"""So many seconds later than it should be done, an explanation is not waited for any more."""


class Explainer:
    """One thread that explains."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="explain")
        self._waiting = 0

    async def explain(self, model: Model, columns: Mapping[str, Sequence[Any]], rows: int, seconds: float) -> Any:
        """Explanations of rows, one after another.

        Raises:
            Problem: too many wait, it takes too long, or the answers cannot be explained.
        """
        if self._waiting >= WAITING:
            raise Problem(503, "too many explanations are asked for at once", headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            until = time.monotonic() + seconds
            found = asyncio.get_running_loop().run_in_executor(self._thread, _explained, model, columns, rows, until)
            await asyncio.wait({found}, timeout=seconds + GRACE)
            if not found.done():  # features.py, perhaps, does not come to an end
                found.cancel()
                raise Problem(504, f"a row could not be explained within {seconds:g} seconds")
            return found.result()
        except UnexplainableError as error:  # no other: features.py may say what is in a row
            raise Problem(422, f"this cannot be explained: {str(error)[:300]}") from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the thread, when it has finished a row."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def _explained(model: Model, columns: Mapping[str, Sequence[Any]], rows: int, deadline: float) -> Sequence[Explanation]:
    found: list[Explanation] = []
    for row in range(rows):
        if time.monotonic() > deadline:
            detail = f"explaining took too long: {row} of {rows} rows were done"
            raise Problem(503, f"{detail}; ask for fewer at once", headers={"Retry-After": "1"})
        found += explain(model.scorer, {name: values[row : row + 1] for name, values in columns.items()})
    return found


@router.post("/v1/{project}/explain", tags=["predictions"], openapi_extra=body("Rows"))
@router.post("/explain", tags=["predictions"], openapi_extra=body("Rows"))
async def explain_rows(asked: Predicts, sent: Body, request: Request) -> Explained | Explanations:
    """What the champion's answer to each row owes to each of its columns: SHAP values. Nothing is logged."""
    rows, single = rows_of(sent, MOST)
    await asked.take(len(rows))
    model = ready_lineup(asked.endpoint).champion
    found = await _explanations(asked, request, model, rows, single=single)
    return found[0] if single else Explanations(explanations=found)


@router.get("/v1/{project}/history/{id}/explain", tags=["history"])
@router.get("/history/{id}/explain", tags=["history"])
async def explain_logged(asked: Reads, id: str, request: Request) -> Explained:  # noqa: A002 - the path's name
    """Why a logged prediction is what it is, by the version that made it, as long as that takes part: SHAP values."""
    line = await asyncio.to_thread(logged, asked.service.log, asked.endpoint, id)
    lineup = ready_lineup(asked.endpoint)
    present = {model.version: model for model in (lineup.shadow, lineup.challenger, lineup.champion) if model}
    if line.version not in present:
        known = ", ".join(map(str, sorted(present)))
        raise Problem(409, f"version {line.version} made this prediction and serves no more (serving: {known})")
    model = present[line.version]
    hidden = [name for name in asked.endpoint.privacy.marked if name in model.read]
    if hidden:
        raise Problem(409, f"the log does not have the personal data that the model reads: {', '.join(hidden)[:200]}")
    await asked.take(1)
    return (await _explanations(asked, request, model, [line.inputs], single=True))[0]


async def _explanations(
    asked: Asked, request: Request, model: Model, rows: Sequence[Mapping[str, Any]], *, single: bool
) -> Sequence[Explained]:
    inputs = await apart(len(await request.body()), lambda: model.decoder.decode(rows))
    warn = asked.endpoint.project.serve.out_of_range == "warn"
    fatal = [finding for finding in inputs.findings if not (warn and finding.is_range)]
    if fatal:
        raise invalid_rows(fatal, single=single)
    explainer: Explainer = request.app.state.explainer
    found = await explainer.explain(model, inputs.columns, len(rows), asked.service.settings.timeout)
    return [Explained(**each.model_dump(), model=asked.endpoint.name, version=model.version) for each in found]
