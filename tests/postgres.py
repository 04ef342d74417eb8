"""A PostgreSQL server of Debian's package, on this machine, for as long as a block runs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "s3cret"  # noqa: S105 - of a server that lives as long as the tests


@dataclass(frozen=True)
class Server:
    """A running server; its user is `me`, a superuser."""

    folder: Path
    port: int
    control: Sequence[str | Path]
    options: str

    def url(self, database: str = "postgres", user: str = "me") -> str:
        """The URL of a database."""
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str) -> str:
        """Make a database; its URL."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def new_role(self) -> str:
        """Make a role that may log in and nothing else; roles are the server's, so each has a name of its own."""
        import psycopg

        name = f"reader_{uuid.uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        return name

    def start(self) -> None:
        """Start it again after `stop`."""
        self._run("-o", self.options, "start")

    def stop(self) -> None:
        """Cut all connections, at once, as a crash does."""
        self._run("-m", "immediate", "stop")

    def _run(self, *arguments: str) -> None:
        subprocess.run([*self.control, *arguments], check=True, capture_output=True, cwd=self.folder)


@contextmanager
def running_server(*settings: str) -> Iterator[Server]:
    """Start a server with an empty cluster; `settings` are such as `fsync=off`."""
    programs = _programs()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    (password := folder / "password").write_text(PASSWORD)
    password.chmod(0o644)
    initdb = [programs / "initdb", "-D", data, "-U", "me", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync"]
    encoding = ["-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*user, *initdb, *encoding], check=True, capture_output=True, cwd=folder)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    options += "".join(f" -c {setting}" for setting in settings)
    server = Server(folder, port, [*user, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"], options)
    server.start()
    try:
        yield server
    finally:
        if (data / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder)


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = installed[-1] if installed else shutil.which("initdb")
    if found is None:
        reason = "PostgreSQL's programs are not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found).resolve().parent
