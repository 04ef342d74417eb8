"""The prediction log on a server that falls, is full, or lets nobody in."""

from __future__ import annotations

import shutil

import psycopg
import pytest

from disk import small_disk
from postgres import PASSWORD, Server, running_server
from torneo.errors import ConflictError, UnavailableError
from torneo.ports import LogFilter, PredictionLog
from torneo.stores.prediction_log import open_prediction_log
from torneo.testing.small_log import claim, prediction

EVERYTHING = LogFilter()


def numbers(log: PredictionLog) -> list[int]:
    """The numbers of all predictions, oldest first."""
    return [int(id_[-12:], 16) for frame in log.scan("housing", EVERYTHING) for id_ in frame["id"]]


def test_a_server_that_falls_and_comes_back() -> None:
    with running_server("fsync=off") as server:
        log = open_prediction_log(server.url())
        log.append([prediction(1)])
        server.stop()
        with pytest.raises(UnavailableError, match=r"lost[\s\S]*fix: try again|terminating connection") as caught:
            log.append([prediction(2)])
        with pytest.raises(UnavailableError, match="cannot connect") as again:
            log.append([prediction(2)], [claim("request-2")])
        assert PASSWORD not in f"{caught.value}{again.value}"
        server.start()
        log.append([prediction(2)], [claim("request-2")])
        log.append([prediction(2)], [claim("request-2")])
        assert numbers(log) == [1, 2]


def test_a_connection_that_is_cut(postgres_database: str) -> None:
    log = open_prediction_log(postgres_database)
    log.append([prediction(1)])
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(UnavailableError, match=r"terminating connection|lost"):
        log.append([prediction(2)])
    log.append([prediction(2)])
    assert numbers(log) == [1, 2]


def test_a_full_disk(postgres_server: Server, postgres_database: str) -> None:
    with small_disk(postgres_server.folder / "small-log") as (place, grow):
        shutil.chown(place, place.parent.owner())
        log = open_prediction_log(postgres_database)
        log.append([prediction(0)])
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small_log LOCATION '{place}'")
            connection.execute("ALTER TABLE predictions SET TABLESPACE small_log")
        lines = [prediction(number) for number in range(1, 40_000)]
        with pytest.raises(UnavailableError, match=r"No space left on device\n  fix: free space on the server's disk"):
            log.append(lines)
        assert numbers(log) == [0]
        grow()
        log.append(lines)
        assert len(numbers(log)) == 40_000
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            connection.execute("DROP TABLE predictions")
            connection.execute("DROP TABLESPACE small_log")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"user": "nobody"}, "authentication failed"),
        ({"database": "absent"}, 'database "absent" does not exist'),
        ({"port": 9}, "cannot connect: .*refused"),
    ],
)
def test_no_way_in(postgres_server: Server, change: dict[str, object], says: str) -> None:
    """A server that answers requests must hear that the log is away, whatever the reason."""
    place = {"user": "me", "database": "postgres", "port": postgres_server.port, **change}
    log = open_prediction_log("postgresql://{user}:s3cret@127.0.0.1:{port}/{database}".format(**place))
    with pytest.raises(UnavailableError, match=says) as caught:
        log.append([prediction(1)])
    assert PASSWORD not in str(caught.value)


def test_a_url_that_is_none() -> None:
    with pytest.raises(ConflictError, match="the prediction log's URL is none of PostgreSQL") as caught:
        open_prediction_log("postgresql://me:hunter2@[/x?nonsense=1")
    assert "hunter2" not in str(caught.value)


def test_a_log_of_a_newer_torneo_is_refused(postgres_database: str) -> None:
    open_prediction_log(postgres_database).append([prediction(1)])
    with psycopg.connect(postgres_database) as connection:
        connection.execute("UPDATE prediction_log_schema SET version = 99")
    with pytest.raises(ConflictError, match=r"newer Torneo \(schema 99[\s\S]*pip install --upgrade torneo"):
        open_prediction_log(postgres_database).append([prediction(2)])


def test_an_answer_is_on_the_disk_whatever_the_server_s_settings(postgres_database: str) -> None:
    name = postgres_database.rpartition("/")[2]
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    log = open_prediction_log(postgres_database)
    log.append([prediction(1)])
    with log._alone() as session:  # type: ignore[attr-defined]
        assert session.rows("SHOW synchronous_commit", {}) == [("on",)]
