"""The command line: it parses, calls the API and prints. It decides nothing."""

from __future__ import annotations

import atexit
import gc
import sys
from enum import IntEnum

from torneo import errors


class Exit(IntEnum):
    """What the process says when it ends."""

    OK = 0
    CRASH = 1
    """An error that Torneo did not expect."""
    USAGE = 2
    """The command line itself, or a setting of the environment, is wrong."""
    SPEC = 3
    """project.yaml is wrong."""
    SOURCE = 4
    """The input cannot be found, reached or read."""
    GATE = 5
    """The data breaks the contract beyond what it allows."""
    HOOK = 6
    """A function of the project failed."""
    TRAIN = 7
    """A model could not be fitted or exported."""
    BUNDLE = 8
    """A bundle is damaged."""
    NOT_FOUND = 9
    """There is no such thing."""
    CONFLICT = 10
    """The action contradicts the present state."""
    EXTRA = 11
    """An optional dependency is not installed."""
    BUSY = 12
    """Another run is at it, or a store does not answer: try again."""
    FINDINGS = 13
    """`doctor` found something to mend, quarantined rows still do not pass, or rows of a file were refused."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""


CODES: dict[type[errors.TorneoError], Exit] = {
    errors.SpecError: Exit.SPEC,
    errors.SettingsError: Exit.USAGE,
    errors.SourceError: Exit.SOURCE,
    errors.GateError: Exit.GATE,
    errors.HookError: Exit.HOOK,
    errors.TrainError: Exit.TRAIN,
    errors.ExportError: Exit.TRAIN,
    errors.BundleError: Exit.BUNDLE,
    errors.NotFoundError: Exit.NOT_FOUND,
    errors.ConflictError: Exit.CONFLICT,
    errors.MovedKeysError: Exit.CONFLICT,
    errors.MissingExtraError: Exit.EXTRA,
    errors.UnavailableError: Exit.BUSY,
    errors.LockedError: Exit.BUSY,
}


def code_of(error: errors.TorneoError) -> Exit:
    """How the process ends with an error."""
    return CODES.get(type(error), Exit.CRASH)


def main() -> None:
    """Run the command line; every expected error becomes a message and an exit code."""
    from torneo.cli.app import app
    from torneo.cli.shared import fail

    atexit.register(_leave_garbage)
    try:
        app(standalone_mode=True)
    except errors.TorneoError as error:
        fail(error)
        sys.exit(code_of(error))
    except SystemExit as ended:
        if ended.code == Exit.INTERRUPTED:  # Typer has caught the KeyboardInterrupt
            sys.stderr.write("interrupted; `torneo run` goes on where this stopped\n")
        raise


def _leave_garbage() -> None:
    """Spare the interpreter a look through all that is there as it ends, which takes a second after a training.

    DuckDB counts what is left then, and complains at length; where it is used, little else is loaded.
    """
    if "duckdb" not in sys.modules:
        gc.freeze()
