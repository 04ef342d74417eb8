"""Messages by e-mail, through an SMTP server; encrypted where the server can."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage

from torneo.errors import UnavailableError
from torneo.spec.channels import Email
from torneo.spec.settings import expand
from torneo.watchdog.desk import Message

SECONDS = 10.0
ADDRESS = re.compile(r"\[(?P<six>[^\]]+)\](?::(?P<six_port>[0-9]+))?|(?P<host>[^:]+)(?::(?P<port>[0-9]+))?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SUBMISSION, IMPLICIT_TLS = 587, 465
"""The ports of RFC 6409 and of RFC 8314, on which a connection is encrypted from its first byte."""


def send_mail(channel: Email, message: Message) -> None:
    """Send a message; `Message-ID` is the same when it is sent again.

    Raises:
        UnavailableError: the server did not take it, or offers no TLS for the password.
        SourceError: a variable is not set.
    """
    letter = EmailMessage()
    letter["Subject"] = " ".join(message.title.split())
    letter["From"], letter["To"] = channel.sender, ", ".join(channel.to)
    letter["Message-ID"] = f"<{message.id}@torneo>"
    letter["Date"] = message.time
    letter.set_content(f"{message.why}\n\n{message.project}, {message.time:%Y-%m-%d %H:%M:%S} UTC, {message.id}\n")
    host, port = address(channel.server)
    try:
        with _connected(host, port) as server:
            server.ehlo()
            safe = host in LOOPBACK or port == IMPLICIT_TLS
            if server.has_extn("starttls"):
                server.starttls(context=_context(host))
                server.ehlo()
                safe = True
            if channel.user is not None and channel.password is not None:
                if not safe:
                    raise UnavailableError(f"{channel.server} offers no TLS: the password is not sent in the clear")
                server.login(channel.user, expand(channel.password))
            server.send_message(letter)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise UnavailableError(f"{channel.server} did not take the e-mail: {str(error)[:200]}") from None


def address(server: str) -> tuple[str, int]:
    """Host and port of a mail server.

    >>> address("mail.example.org"), address("mail.example.org:465"), address("[::1]:25")
    (('mail.example.org', 587), ('mail.example.org', 465), ('::1', 25))

    Raises:
        UnavailableError: it is no address.
    """
    found = ADDRESS.fullmatch(server)
    if found is None:
        raise UnavailableError(
            f"{server[:80]} is no address of a mail server", fix="write HOST, HOST:PORT or [IPv6]:PORT"
        )
    return found["six"] or found["host"], int(found["six_port"] or found["port"] or SUBMISSION)


def _connected(host: str, port: int) -> smtplib.SMTP:
    if port == IMPLICIT_TLS:
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=_context(host))
    return smtplib.SMTP(host, port, timeout=SECONDS)


def _context(host: str) -> ssl.SSLContext:
    """Certificates are verified, but for those of this machine itself."""
    context = ssl.create_default_context()
    if host in LOOPBACK:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
