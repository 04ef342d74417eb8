"""The installation's own secret: the setting, or a file that is made once."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from torneo.errors import SettingsError


def installation_secret(given: SecretStr | None, path: Path) -> bytes:
    """The key of the hashes of personal data, which all processes of an installation share.

    Args:
        given: the setting.
        path: the file that has it where there is no setting.

    Raises:
        SettingsError: the file is neither there nor can it be made.
    """
    if given is not None:
        return given.get_secret_value().encode()
    mine = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        if not path.exists():
            mine.touch(mode=0o600)
            mine.write_text(secrets.token_hex(32), encoding="ascii")
            with contextlib.suppress(FileExistsError):  # another process was quicker: its key is the one
                path.hardlink_to(mine)
            mine.unlink()
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be made: {error.strerror}", fix="set TORNEO_PII_SECRET") from None
