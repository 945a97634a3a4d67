"""Settings that both sides share, and the rule that nothing unknown is accepted."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError as SourceError

from features.core.errors import SettingsError

# Both prefixes are known to both sides, so that one side's variables do not look unknown to the other.
PREFIXES = ("WEARCAST_PIPELINES_", "WEARCAST_SERVING_")
# The settings file of each side, in the folder where a command is run.
FILES = ("pipelines.toml", "serving.toml")

# The demo keeps its data apart from a user's.
DEMO_HOME = Path("data/demo")


def demo_overrides(home: Path = DEMO_HOME) -> dict[str, Any]:
    """Core settings of the demo: everything below one folder of its own."""
    return {
        "plant": home / "plant.yaml",
        "lake": str(home / "lake"),
        "models": f"sqlite:///{home}/mlruns/mlflow.db",
        "artifacts": str(home / "mlruns" / "artifacts"),
        "replay": home / "replay.json",
    }


# What stands between `://user:` and `@` of a URL.
_PASSWORD = re.compile(r"(://[^/@:\s]*):[^/@\s]*@")


def without_passwords(text: str) -> str:
    """The text with `***` for the password of every URL in it: what may be shown and logged.

    Example:
        >>> without_passwords("postgresql://wearcast:secret@host/models does not answer")
        'postgresql://wearcast:***@host/models does not answer'
    """
    return _PASSWORD.sub(r"\1:***@", text)


def runs_on_demo() -> bool:
    """Nothing is configured on either side, by file or by environment: the demo's plant is shown."""
    is_configured = any(Path(name).exists() for name in FILES)
    return not is_configured and not any(name.startswith(PREFIXES) for name in os.environ)


class CoreSettings(BaseSettings):
    """Where the plant, the lake and the models are; frozen, unknown keys refused."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_nested_delimiter="__")

    plant: Path = Field(Path("data/plant"), description="A plant file or a folder of plant files.")
    lake: str = Field("data/lake", description="Folder or object-store URL of the lake.")
    models: str = Field("sqlite:///mlruns/mlflow.db", description="MLflow tracking and registry URI.")
    artifacts: str = Field("mlruns/artifacts", description="Artefact root when the registry is a local database.")
    replay: Path | None = Field(None, description="Replay file: run on demo time instead of the system's clock.")
    log_format: str = Field("auto", pattern="^(auto|json|pretty)$", description="auto: pretty in a terminal.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def read(cls, **overrides: Any) -> Self:  # Any: keys and types are the subclass's fields
        """Read file and environment.

        Raises:
            SettingsError: An unknown key or variable, or a value that does not fit, with its place
                and the nearest valid name.
        """
        _refuse_unknown_variables(cls, os.environ)
        _refuse_unknown_keys(cls)
        try:
            return cls(**overrides)
        except ValidationError as err:
            first = err.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"setting {place!r}: {first['msg']}", {"setting": place}) from None
        except SourceError as err:  # a variable that should hold JSON does not; its text may be a secret
            raise SettingsError(f"environment: {err}; write JSON, or one variable a key with __", {}) from None


def _names(cls: type[CoreSettings]) -> list[str]:
    return list(cls.model_fields)


def nearest(value: str, valid: list[str]) -> str:
    """A hint that names the nearest valid value, or all of them when none is near.

    Example:
        >>> nearest("lak", ["lake", "plant"])
        "did you mean 'lake'?"
    """
    near = difflib.get_close_matches(value, valid, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(sorted(valid))}"


def _refuse_unknown_variables(cls: type[CoreSettings], environment: Mapping[str, str]) -> None:
    prefix = cls.model_config.get("env_prefix", "")
    known = {prefix + name.upper() for name in _names(cls)}
    for variable in sorted(environment):
        upper = variable.upper()
        if not upper.startswith("WEARCAST_"):
            continue
        if upper.startswith(prefix):
            if upper.split("__")[0] not in known:
                raise SettingsError(
                    f"environment variable {variable} is not a setting; {nearest(upper, sorted(known))}",
                    {"variable": variable},
                )
        elif not upper.startswith(PREFIXES):
            raise SettingsError(
                f"environment variable {variable} is not a setting; variables start with {' or '.join(PREFIXES)}",
                {"variable": variable},
            )


def _refuse_unknown_keys(cls: type[CoreSettings]) -> None:
    file = cls.model_config.get("toml_file")
    if not isinstance(file, str | Path) or not Path(file).exists():
        return
    try:
        document = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise SettingsError(f"{file}: {err}", {"file": str(file)}) from err
    for key in document:
        if key not in _names(cls):
            raise SettingsError(
                f"{file}: unknown key {key!r}; {nearest(key, _names(cls))}", {"file": str(file), "key": key}
            )
