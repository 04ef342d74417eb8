"""Log lines of the server."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from torneo.http.logs import JsonLines, configure


def test_a_failure_tells_where_and_not_what() -> None:
    secret = "123-45-6789"  # noqa: S105 - what a client has sent
    try:
        int(secret)
    except ValueError:
        record = logging.LogRecord("torneo.http", logging.ERROR, __file__, 1, "a request failed", (), sys.exc_info())
    record.request_id = "r1"
    line = json.loads(JsonLines().format(record))
    assert line["request_id"] == "r1"
    assert line["exception"].endswith("ValueError")
    assert "test_a_failure_tells_where_and_not_what" in line["exception"]
    assert secret not in json.dumps(line)


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    try:
        configure("warning")
        logging.getLogger("torneo.http").info("answered")
        logging.getLogger("torneo.http").warning("slow", extra={"status": 200, "inputs": {"age": 30}})
    finally:
        root.level, root.handlers[:] = before
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["message"], line["status"], "inputs" in line) for line in lines] == [("slow", 200, False)]
