"""The application with all its commands."""

from __future__ import annotations

from torneo.cli import (  # noqa: F401 - they add their commands to `app`
    champions,
    data,
    keys,
    log,
    monitor,
    predict,
    project,
    serve,
    simulate,
    traffic,
    watch,
)
from torneo.cli.shared import app

__all__ = ["app"]
