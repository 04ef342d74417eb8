"""Applications that bench/serve.py compares with, each as most people write it.

Run by uvicorn: `constant` answers a constant with FastAPI, `bare` with nothing but ASGI, `frame` predicts with a pandas
frame and the pipeline that `BENCH_MODEL` names. `service` is the same for BentoML.
"""

import os
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

Row = dict[str, Any]
ANSWER = b'{"prediction":24.5}'


def constant() -> Any:
    """A FastAPI application that answers a constant."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/predict")
    async def predict() -> dict[str, float]:
        return {"prediction": 24.5}

    return app


async def bare(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """The least that an ASGI server can be asked for."""
    if scope["type"] == "http":
        await receive()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})


def frame() -> Any:
    """FastAPI, pandas, a scaler and the model."""
    from fastapi import FastAPI
    from pydantic import create_model

    pipeline, kinds = _model()
    fields: dict[str, Any] = {name: (str if text else float, ...) for name, text in kinds.items()}
    row = create_model("Row", **fields)
    app = FastAPI()

    async def predict(sent: Any) -> dict[str, Any]:
        rows = sent if isinstance(sent, list) else [sent]
        return {"predictions": _predicted(pipeline, [each.model_dump() for each in rows])}

    predict.__annotations__["sent"] = row | list[row]  # type: ignore[valid-type]
    app.post("/predict")(predict)
    return app


def _predicted(pipeline: Any, rows: list[Row]) -> list[Any]:
    import pandas as pd

    table = pd.DataFrame(rows)
    answers = pipeline.predict_proba(table) if hasattr(pipeline, "predict_proba") else pipeline.predict(table)
    listed: list[Any] = answers.tolist()
    return listed


@cache
def _model() -> tuple[Any, dict[str, bool]]:
    import joblib

    loaded: tuple[Any, dict[str, bool]] = joblib.load(os.environ["BENCH_MODEL"])
    return loaded


def __getattr__(name: str) -> Any:
    if name != "service":
        raise AttributeError(name)
    import bentoml

    class Predictor:
        def __init__(self) -> None:
            self.pipeline = _model()[0]

        @bentoml.api  # type: ignore[untyped-decorator]
        def predict(self, rows: list[Row]) -> list[Any]:
            return _predicted(self.pipeline, rows)

    return bentoml.service(workers=1)(Predictor)
