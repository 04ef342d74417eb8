"""The process's own log."""

from __future__ import annotations

import logging

from torneo.watchdog.desk import Message

_logger = logging.getLogger("torneo.watchdog")


def write_log(message: Message) -> None:
    """Write a line."""
    _logger.warning("%s: %s", message.title, message.why)
