"""The application with all its commands."""

from __future__ import annotations

from torneo.cli import champions, data, keys, log, predict, project, serve, traffic  # noqa: F401 - they add their commands to `app`
from torneo.cli.shared import app

__all__ = ["app"]
