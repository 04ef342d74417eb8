"""Messages to real servers of this machine: HTTP that answers, refuses or is down, and SMTP."""

from __future__ import annotations

import dataclasses
import datetime
import email
import hmac
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message as Letter
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from torneo.errors import SourceError, UnavailableError
from torneo.notify import mail, senders, webhook
from torneo.spec.channels import Channel
from torneo.watchdog import outbox
from torneo.watchdog.desk import Message
from watched import kennel

TOLD = Message(
    id="e1",
    event="opened",
    project="housing",
    time=datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC),
    rule="drift",
    subject="rooms",
    alert="a1",
    why="rooms <another> & distribution",
)


class Server:
    """Keeps what it gets; answers with `status`."""

    def __init__(self, port: int = 0) -> None:
        self.status, self.got = 200, list[tuple[Any, bytes]]()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.got.append((self.headers, body))
                self.send_response(server.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.http = HTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/hook?token=hidden"

    def stop(self) -> None:
        """End."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def send(message: Message = TOLD, **channel: Any) -> None:
    [sender] = senders([Channel.model_validate(channel)]).values()
    sender(message)


def test_a_webhook_is_signed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "the key")
    send(webhook=server.url, secret="${HOOK_KEY}")  # noqa: S106 - a variable's name
    [(headers, body)] = server.got
    signed = headers["X-Torneo-Timestamp"].encode() + b"." + body
    assert headers["X-Torneo-Signature"] == "sha256=" + hmac.new(b"the key", signed, sha256).hexdigest()
    assert abs(int(headers["X-Torneo-Timestamp"]) - datetime.datetime.now().timestamp()) < 60
    assert (headers["X-Torneo-Event"], headers["Content-Type"]) == ("e1", "application/json")
    told = json.loads(body)
    assert (told["title"], told["project"], told["why"]) == ("housing: alert opened: drift rooms", "housing", TOLD.why)


def test_slack_gets_text_without_markup_of_others(server: Server) -> None:
    send(slack=server.url)
    [(headers, body)] = server.got
    assert json.loads(body) == {
        "text": "*housing: alert opened: drift rooms*\nrooms &lt;another&gt; &amp; distribution"
    }
    assert headers["X-Torneo-Signature"] is None


@pytest.mark.parametrize("status", [302, 400, 500])
def test_another_answer_is_a_failure_that_tells_no_token(server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(UnavailableError, match=f"the webhook at 127.0.0.1 answered {status}") as told:
        send(webhook=server.url)
    assert "hidden" not in str(told.value)


def test_nobody_there(server: Server) -> None:
    server.stop()
    with pytest.raises(UnavailableError, match=r"the webhook at 127.0.0.1 cannot be reached: ConnectError"):
        send(slack=server.url)
    server.__init__()  # type: ignore[misc]


def test_one_that_answers_drop_by_drop_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.5)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                for letter in b"HTTP/1.1 200 OK\r\n" * 100:
                    if ended.wait(0.05):
                        return
                    connection.sendall(bytes([letter]))

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(UnavailableError, match=r"the webhook at 127.0.0.1 did not answer within 0.5 seconds"):
                send(webhook=f"http://127.0.0.1:{listening.getsockname()[1]}/")
        finally:
            ended.set()
            thread.join()


def test_a_secret_that_is_not_set(server: Server) -> None:
    with pytest.raises(SourceError, match="NO_SUCH_KEY is not set"):
        send(webhook=server.url, secret="${NO_SUCH_KEY}")  # noqa: S106
    assert server.got == []


def test_a_server_that_is_down_and_then_up_gets_everything_once(tmp_path: Path) -> None:
    port = free_port()
    found = kennel(tmp_path, content="new", notify=[{"webhook": f"http://127.0.0.1:{port}/"}, "log"])
    channels = senders(found.desk.watch.notify)
    desk = dataclasses.replace(found.desk, channels=channels)
    passed = found.watch(channels=channels)
    assert passed.undelivered == ("the webhook at 127.0.0.1 cannot be reached: ConnectError",)
    assert (passed.delivered, passed.waiting) == (2, 2), "the log has what happened and what was done"
    server = Server(port)
    found.clock.advance(31)
    assert outbox.deliver(desk).delivered == 2
    assert outbox.deliver(desk).delivered == 0
    assert [json.loads(body)["event"] for _, body in server.got] == ["opened", "retrained"]
    server.stop()


class Letters:
    """Keeps letters; lets one user in."""

    def __init__(self) -> None:
        self.got: list[Letter] = []
        self.users: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's
        self.got.append(email.message_from_bytes(envelope.content))
        return "250 OK"

    def let_in(self, server: Any, session: Any, envelope: Any, mechanism: Any, data: Any) -> AuthResult:
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"the password", handled=False)


@pytest.fixture
def letters() -> Iterator[tuple[Letters, str]]:
    kept = Letters()
    with _mail_server(kept, auth_require_tls=False) as server:
        yield kept, server


@contextmanager
def _mail_server(kept: Letters, **more: Any) -> Iterator[str]:
    port = free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port, authenticator=kept.let_in, **more)
    controller.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        controller.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_an_e_mail(letters: tuple[Letters, str]) -> None:
    kept, server = letters
    send(email={"to": ["ada@example.org", "bob@example.org"], "from": "torneo@example.org", "server": server})
    [letter] = kept.got
    assert letter["Subject"] == "housing: alert opened: drift rooms"
    assert letter["To"] == "ada@example.org, bob@example.org"
    assert letter["Message-ID"] == "<e1@torneo>"
    assert TOLD.why in letter.get_payload()
    assert kept.users == []


def test_an_e_mail_with_a_password(letters: tuple[Letters, str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept, server = letters
    monkeypatch.setenv("MAIL_PASSWORD", "the password")
    about = {"to": ["a@example.org"], "from": "t@example.org", "server": server, "user": "torneo"}
    send(email={**about, "password": "${MAIL_PASSWORD}"})
    assert (len(kept.got), kept.users) == (1, ["torneo"])
    monkeypatch.setenv("MAIL_PASSWORD", "wrong")
    with pytest.raises(UnavailableError, match=r"did not take the e-mail: .*535"):
        send(email={**about, "password": "${MAIL_PASSWORD}"})


def test_a_password_is_not_sent_in_the_clear(letters: tuple[Letters, str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept, server = letters
    monkeypatch.setenv("MAIL_PASSWORD", "the password")
    monkeypatch.setattr("torneo.notify.mail.LOOPBACK", ())
    about = {"to": ["a@example.org"], "from": "t@example.org", "server": server, "user": "torneo"}
    with pytest.raises(UnavailableError, match="offers no TLS: the password is not sent in the clear"):
        send(email={**about, "password": "${MAIL_PASSWORD}"})
    assert (kept.users, kept.got) == ([], [])


def certified(folder: Path) -> ssl.SSLContext:
    """What a server of this machine encrypts with."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def test_tls_is_used_where_it_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, context = Letters(), certified(tmp_path)
    monkeypatch.setenv("MAIL_PASSWORD", "the password")
    with _mail_server(kept, tls_context=context, require_starttls=True, auth_required=True) as server:
        about = {"to": ["a@example.org"], "from": "t@example.org", "server": server, "user": "torneo"}
        send(email={**about, "password": "${MAIL_PASSWORD}"})
        assert (len(kept.got), kept.users) == (1, ["torneo"])
        monkeypatch.setattr("torneo.notify.mail.LOOPBACK", ())
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            send(email={**about, "password": "${MAIL_PASSWORD}"})


def test_a_port_for_tls_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = certified(tmp_path)
    kept, port = Letters(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port, ssl_context=context)
    controller.start()
    try:
        monkeypatch.setattr(mail, "IMPLICIT_TLS", port)
        send(email={"to": ["ops@example.org"], "from": "torneo@example.org", "server": f"127.0.0.1:{port}"})
    finally:
        controller.stop()
    assert len(kept.got) == 1


def test_a_subject_stays_one_line(letters: tuple[Letters, str]) -> None:
    kept, server = letters
    send(
        TOLD.model_copy(update={"subject": "a\r\nBcc: eve@example.org"}),
        email={"to": ["a@example.org"], "from": "t@example.org", "server": server},
    )
    assert kept.got[0]["Bcc"] is None
    assert "Bcc: eve" in kept.got[0]["Subject"]


def test_no_mail_server() -> None:
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1 did not take the e-mail"):
        send(email={"to": ["a@example.org"], "from": "t@example.org", "server": "127.0.0.1:1"})


def test_the_log(caplog: pytest.LogCaptureFixture) -> None:
    [sender] = senders([Channel(log=True)]).values()
    sender(TOLD)
    assert caplog.messages == ["housing: alert opened: drift rooms: rooms <another> & distribution"]
