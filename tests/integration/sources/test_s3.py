"""Objects in an S3 server that the test starts on this machine (moto)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from torneo.errors import SourceError, UnavailableError
from torneo.sources import fingerprint, read
from torneo.spec.source import Source

CSV = b"a,b\n1,x\n2,y\n"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="data")
    yield client
    client.close()
    server.stop()


def test_an_object_is_read_and_its_fingerprint_follows_the_content(bucket: object, tmp_path: Path) -> None:
    put = bucket.put_object  # type: ignore[attr-defined]
    put(Bucket="data", Key="sales/a.csv", Body=CSV)
    spec = Source(uri="s3://data/sales/a.csv")
    reading = read(spec, [], tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet").rows() == [("1", "x", 2), ("2", "y", 3)]
    assert (reading.file, reading.source) == ("a.csv", "s3://data/sales/a.csv")
    put(Bucket="data", Key="sales/a.csv", Body=CSV)
    assert fingerprint(spec, []) == reading.fingerprint
    put(Bucket="data", Key="sales/a.csv", Body=CSV.replace(b"y", b"z"))
    assert fingerprint(spec, []) != reading.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize(
    ("uri", "options", "message"),
    [
        ("s3://data/none.csv", {}, "there is no object s3://data/none.csv"),
        ("s3://nobucket/a.csv", {}, "there is no object s3://nobucket/a.csv"),
        ("s3://data/sales", {}, "is a folder, not an object"),
        ("s3://data/sales/a.csv", {"sha256": "0" * 64}, "sha256 expected 000"),
    ],
)
def test_objects_that_are_not_there(
    bucket: object, tmp_path: Path, uri: str, options: dict[str, str], message: str
) -> None:
    bucket.put_object(Bucket="data", Key="sales/a.csv", Body=CSV)  # type: ignore[attr-defined]
    with pytest.raises(SourceError, match=message):
        read(Source.model_validate({"uri": uri, **options}), [], tmp_path / "t.parquet")


def test_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnavailableError, match=r"s3://data/a.csv"):
        read(Source(uri="s3://data/a.csv"), [], tmp_path / "t.parquet")
