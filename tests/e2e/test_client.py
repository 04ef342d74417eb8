"""The Python client against `torneo serve` itself."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.command import torneo
from e2e.serving import ROW, Home, Server, logged, serving, train
from torneo.client import AnswerError, AsyncClient, Client, UnreachableError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return train(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def key(home: Home) -> str:
    scopes = [f"--scope={scope}" for scope in ("predict", "read", "feedback")]
    return torneo("keys", "create", "tests", *scopes, home=home.path).out.strip()


@pytest.fixture(scope="module")
def server(home: Home, key: str) -> Iterator[Server]:
    with serving(home, TORNEO_SERVE__AUTH="on") as server:
        yield server


@pytest.mark.slow
def test_a_prediction_and_all_that_can_be_asked_of_it(server: Server, key: str) -> None:
    with Client(f"http://127.0.0.1:{server.port}", key=key, project="diabetes") as client:
        made = client.predict(ROW)
        assert made.interval is not None
        assert made.interval.low < made.prediction < made.interval.high
        assert (made.role, made.version) == ("champion", client.model()["version"])
        many = client.predict_many([ROW, {**ROW, "bmi": 20.0}])
        assert many[0].prediction == made.prediction != many[1].prediction
        explained = client.explain(ROW)
        assert explained.base + sum(explained.values.values()) == pytest.approx(explained.output, abs=1e-3)
        assert explained.output == pytest.approx(made.prediction, rel=1e-5)
        assert client.report(made.prediction_id, 140.0).recorded == 1
        told = client.report_many({many[0].prediction_id: 150, "01a1fe94-5b0c-7f67-ba51-5e4f30ac5646": 1})
        assert (told.recorded, list(told.unknown)) == (1, ["01a1fe94-5b0c-7f67-ba51-5e4f30ac5646"])
        assert client.prediction(made.prediction_id).outcome == 140.0
        assert [line.id for line in client.history(labelled=True, limit=1)] == [
            many[0].prediction_id,
            made.prediction_id,
        ]


@pytest.mark.slow
def test_the_asynchronous_client_says_the_same(server: Server, key: str) -> None:
    async def ask() -> None:
        async with AsyncClient(f"http://127.0.0.1:{server.port}", key=key) as client:
            made = await asyncio.gather(*(client.predict(ROW) for _ in range(20)))
            assert len({each.prediction_id for each in made}) == 20
            assert len({each.prediction for each in made}) == 1
            assert (await client.report(made[0].prediction_id, 1.5)).recorded == 1
            line = await client.prediction(made[0].prediction_id)
            assert (line.outcome, line.inputs["bmi"]) == (1.5, 32.1)
            assert (await client.explain(ROW)).version == (await client.model())["version"]
            assert (await client.predict_many([ROW]))[0].prediction == made[0].prediction
            seen = [line.id async for line in client.history(limit=7)]
            assert {each.prediction_id for each in made} <= set(seen)

    asyncio.run(ask())


@pytest.mark.slow
def test_what_is_refused_names_the_value(server: Server, key: str) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with Client(url, key=key) as client, pytest.raises(AnswerError, match=r"422 .*/bmi: must be a number") as caught:
        client.predict({**ROW, "bmi": "heavy"})
    assert caught.value.status == 422
    with Client(url) as client, pytest.raises(AnswerError, match="401 a key is needed"):
        client.model()


@pytest.mark.slow
def test_nobody_there() -> None:
    with Client("http://127.0.0.1:9", retries=1) as client, pytest.raises(UnreachableError, match="in 2 attempts"):
        client.predict(ROW)


@pytest.mark.slow
def test_predictions_survive_the_server_and_are_made_once(home: Home, tmp_path: Path) -> None:
    mine = home.copy(tmp_path)
    ids: list[str] = []
    ended = threading.Event()

    def work(port: int) -> None:
        with Client(f"http://127.0.0.1:{port}", retries=12) as client:
            while not ended.is_set():
                ids.append(client.predict(ROW).prediction_id)

    with serving(mine) as server:
        thread = threading.Thread(target=work, args=(server.port,))
        thread.start()
        _wait_for(ids, 20)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        with serving(mine, port=server.port):
            _wait_for(ids, len(ids) + 20)
            ended.set()
            thread.join(60)
    found = logged(mine)
    assert len(set(ids)) == len(ids)
    assert [id_ for id_ in ids if found[id_] != 1] == []


def _wait_for(ids: list[str], count: int) -> None:
    deadline = time.monotonic() + 60
    while len(ids) < count:
        assert time.monotonic() < deadline, len(ids)
        time.sleep(0.01)
