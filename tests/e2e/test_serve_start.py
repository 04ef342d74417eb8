"""What a server says as it starts, and what it does not start with."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import time
from pathlib import Path

import httpx

from e2e.command import start, torneo, write_project
from torneo.cli import Exit


def test_a_folder_with_a_colon_is_served_and_what_is_missing_is_told(tmp_path: Path) -> None:
    project, home = write_project(tmp_path / "a:b"), tmp_path / "home"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start("serve", str(project), "--port", str(port), home=home, TORNEO_SERVE__AUTH="off")
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        status = 0
        while not status and process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                status = httpx.post(f"{url}/predict", json={}).status_code
            time.sleep(0.1)
        assert status == 503
        second = torneo("serve", str(project), "--port", str(port), home=home, expect=Exit.CONFLICT)
        assert f"port {port} of 127.0.0.1 is in use" in second.err
        assert "--port" in second.err
        assert "serving" not in second.err
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert "has no champion: it answers 503 until  torneo run" in err


def test_one_name_is_served_once(tmp_path: Path) -> None:
    project = write_project(tmp_path / "first")
    again = Path(shutil.copytree(project, tmp_path / "again"))
    done = torneo("serve", str(project), str(again), home=tmp_path / "home", expect=Exit.CONFLICT)
    for told in (str(project), str(again), "a name is served once", "leave one out"):
        assert told in done.err
