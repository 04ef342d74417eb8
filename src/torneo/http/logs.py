"""Log lines as JSON objects, one each, on stderr. They carry request ids, and never what was sent or answered."""

from __future__ import annotations

import datetime
import json
import logging
import logging.config
import os
import traceback
from typing import Literal

Level = Literal["info", "warning", "error"]
EXTRA = ("request_id", "project", "route", "method", "status", "milliseconds", "key", "rows")
"""What a line may have besides its message."""


class JsonLines(logging.Formatter):
    """A record as a JSON object: time, level, logger, message, the process, and what `extra` says."""

    def format(self, record: logging.LogRecord) -> str:
        """The line.

        >>> record = logging.makeLogRecord({"msg": "answered", "levelname": "INFO", "name": "x", "status": 200})
        >>> line = json.loads(JsonLines().format(record))
        >>> line["message"], line["level"], line["status"]
        ('answered', 'info', 200)
        """
        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": os.getpid(),
        }
        line |= {name: getattr(record, name) for name in EXTRA if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = _without_values(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _without_values(error: BaseException | None) -> str:
    """Where an error came from, without its message, which may quote what a client has sent."""
    frames = traceback.format_tb(error.__traceback__) if error is not None else []
    return "".join([*frames, type(error).__name__])


def configure(level: Level) -> None:
    """Have all loggers of this process write such lines; at `info` there is one for each request."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonLines}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                name: {"handlers": [], "level": "WARNING", "propagate": True}
                for name in ("uvicorn", "uvicorn.error", "uvicorn.access")
            },
        }
    )
