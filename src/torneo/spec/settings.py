"""The only reader of the environment: where things live, and how much of the machine to use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails, from_json
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableError

from torneo.errors import SettingsError, SourceError
from torneo.spec.frozen import Frozen, nearest, shortened

VARIABLE = re.compile(r"\$\{(\w+)\}")
"""How a URI names an environment variable: `${NAME}`."""


PREFIXES = ("torneo_", "mlflow_")
"""How the variables begin that a file may stand for."""
JSON = ("TORNEO_SERVE", "TORNEO_SERVE__CORS")
"""The variables that are JSON."""
LIST = '["https://shop.example"]'
MAY_BE_SECRET = frozenset(
    f"TORNEO_{name}" for name in ("OBJECTS", "STATE", "WAREHOUSE", "REDIS", "PII_SECRET", "TRACKING_URI")
)
"""Those whose values are not shown: they may have a password in them."""


class ServeSettings(Frozen):
    """How `torneo serve` behaves, whatever it serves."""

    auth: Literal["on", "off"] = "on"
    """`off`: nobody needs a key; only on loopback."""
    log: Literal["sync", "group", "async"] = "group"
    """When an answer may leave: committed alone (`sync`), with all that wait (`group`), or at once (`async`)."""
    max_body: int = Field(default=10 * 2**20, ge=1024)
    """The largest body of a request, in bytes."""
    max_rows: int = Field(default=10_000, ge=1)
    """The most rows of a request."""
    timeout: float = Field(default=30.0, gt=0)
    """Seconds within which a request must have arrived, and many rows, or a features.py, have come to an answer."""
    log_level: Literal["info", "warning", "error"] = "warning"
    """What is written to stderr, as JSON lines; at `info` a line for each request, never with its inputs."""
    observe: float = Field(default=60.0, ge=0)
    """Seconds between looks at the log and the alerts for `/metrics`, by one worker; 0 for none."""
    cors: tuple[str, ...] = ()
    """The origins whose pages may call the server, as a JSON list; none without it."""


class Settings(BaseSettings):
    """Settings of an installation; each may also come from a file named by `<NAME>_FILE`."""

    model_config = SettingsConfigDict(
        env_prefix="TORNEO_",
        env_nested_delimiter="__",
        frozen=True,
        use_attribute_docstrings=True,
        extra="ignore",
    )

    home: Path = Path(".torneo")
    """Where state, objects and the registry live."""
    data: Path | None = None
    """A folder in which data files are looked up after the project's own."""
    projects: Path = Path("projects")
    """The folder of the projects that are called by name."""
    objects: str | None = None
    """Where files and artefacts are kept: a folder or `s3://bucket/prefix`; without it `objects` in the home folder."""
    state: str | None = None
    """The database of runs, decisions, locks and answered predictions: `postgresql://…`; without it `state.db` and
    `predictions.db` in the home folder."""
    warehouse: str | None = None
    """The database that loads write to: `postgresql://…` or a DuckDB file; `warehouse.duckdb` in the home folder."""
    redis: str | None = Field(default=None, pattern=r"^(redis|rediss|unix)://")
    """Where the workers of all servers count requests together: `redis://host:port/0`; without it each by itself."""
    pii_secret: SecretStr | None = None
    """The key of the hashes of personal data in the log; without it one is made in the home folder (`pii.key`)."""
    serve: ServeSettings = ServeSettings()
    """How `torneo serve` behaves."""
    jobs: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """How many cores to use."""
    tracking_uri: str | None = Field(
        default=None, validation_alias=AliasChoices("TORNEO_TRACKING_URI", "MLFLOW_TRACKING_URI")
    )
    """The MLflow server; without it MLflow's own SQLite store in the home folder."""
    user: str = Field(default="unknown", validation_alias=AliasChoices("TORNEO_USER", "USER", "LOGNAME", "USERNAME"))
    """Who is written into decisions made by hand."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment and the files that it names."""
        return init_settings, _Files(settings_cls), env_settings


class _Files(EnvSettingsSource):
    """Settings from files: what `TORNEO_…_FILE` names has the value of `TORNEO_…`."""

    def __call__(self) -> dict[str, Any]:
        """The values by field, or by the first alias of a field that has some."""
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            for key, variable_name, _ in self._extract_field_info(field, name):
                if variable_name in self.env_vars:
                    break
                if variable_name.startswith(PREFIXES) and f"{variable_name}_file" in self.env_vars:
                    found[key] = variable(variable_name.upper())
                    break
        return found


@cache
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettingsError: a setting cannot be read; the message names the variable and, where it cannot have a password in
            it, the value.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [_wrong(details) for details in error.errors(include_url=False)]
        raise SettingsError("\n".join(wrong), fix="set it right, or unset it") from None
    except UnreadableError:
        wrong = [f"{name}: must be JSON, not {shortened(value)}" for name, value in _no_json()]
        raise SettingsError("\n".join(wrong), fix=f"set it to JSON such as {LIST}, or unset it") from None


def _wrong(details: ErrorDetails) -> str:
    """What is wrong with a variable."""
    name = _variable(details["loc"])
    if details["type"] == "extra_forbidden":
        known = [f"TORNEO_SERVE__{field.upper()}" for field in ServeSettings.model_fields]
        return f"{name}: there is no such setting{nearest(name, known)}"
    shown = "" if name in MAY_BE_SECRET else f", not {shortened(details['input'])}"
    return f"{name}: {details['msg']}{shown}"


def _variable(location: tuple[int | str, ...]) -> str:
    name = "__".join(part.upper() for part in location if isinstance(part, str))
    return name if name.lower().startswith(PREFIXES) else f"TORNEO_{name}"


def _no_json() -> Iterator[tuple[str, str]]:
    """The variables that must be JSON and are not, with their values."""
    for name, value in os.environ.items():
        if name.upper() in JSON:
            try:
                from_json(value)
            except ValueError:
                yield name, value


def variable(name: str) -> str:
    """The value of an environment variable, or the text of the file that `<NAME>_FILE` names.

    Raises:
        SourceError: neither is set, or the file cannot be read.
    """
    value, file = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if value is not None:
        return value
    if file is None:
        raise SourceError(
            f"the environment variable {name} is not set", fix=f"set {name}, or {name}_FILE to a file with its value"
        )
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SourceError(f"{name}_FILE: {file} cannot be read: {why}") from None


def expand(text: str) -> str:
    """The text with each `${NAME}` replaced by the variable's value.

    Raises:
        SourceError: a variable is not set.
    """
    return VARIABLE.sub(lambda match: variable(match[1]), text)
