"""What the codes of a closed order mean at a site: a file of rules, the first that fits decides; never a guess."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.core.documents import DocumentError, read_document
from features.core.errors import ConfigError
from features.core.statements import Outcome
from serving.orders import OrderChange
from serving.settings import ErpSettings

__all__ = ["OutcomeMap", "OutcomeMaps", "OutcomeRule", "read_outcome_map", "read_outcome_maps"]


class OutcomeRule(BaseModel):
    """One line of the file.

    `when` names codes of the order (`damage`, `cause`, `activity`, `outcome`, `status`, ...) with patterns,
    `*` and `?` allowed, upper and lower case alike; all of them must fit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: dict[str, str | tuple[str, ...]] = Field(min_length=1)
    outcome: Outcome | None = None
    failure_mode: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.outcome is None and self.failure_mode is None:
            raise ValueError("a rule needs an outcome, a failure_mode or both")
        return self

    def fits(self, codes: Mapping[str, str]) -> bool:
        """Whether every code that it names is there and fits."""
        return all(_fits(codes.get(name, ""), patterns) for name, patterns in self.when.items())


class OutcomeMap(BaseModel):
    """The rules of a site, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[OutcomeRule, ...]

    def read(self, change: OrderChange) -> OrderChange:
        """The change with the outcome and failure mode that the rules give; unmapped ones stay open.

        An outcome in our own words stays as it is.
        """
        codes = {"outcome": change.raw_outcome, "status": change.raw_status} | dict(change.codes)
        fitting = [rule for rule in self.rules if rule.fits(codes)]
        outcome = next((rule.outcome for rule in fitting if rule.outcome is not None), None)
        mode = next((rule.failure_mode for rule in fitting if rule.failure_mode is not None), None)
        told = "; ".join(f"{name}={code}" for name, code in sorted(change.codes.items()) if code)
        return replace(
            change,
            outcome=change.outcome or outcome,
            failure_mode=change.failure_mode or mode,
            raw_outcome=change.raw_outcome or told,
        )


@dataclass(frozen=True, slots=True)
class OutcomeMaps:
    """The maps of all sites; `default` is for those without one of their own."""

    default: OutcomeMap = field(default_factory=lambda: OutcomeMap(rules=()))
    sites: Mapping[str, OutcomeMap] = field(default_factory=dict)

    def read(self, change: OrderChange, site_id: str) -> OrderChange:
        """The change as that site's map reads it."""
        return self.sites.get(site_id, self.default).read(change)


def read_outcome_maps(settings: ErpSettings) -> OutcomeMaps:
    """The maps that the settings name.

    Raises:
        ConfigError: A file is missing or wrong; file, place and value are named.
    """
    own = {site_id: site.outcomes for site_id, site in settings.sites.items() if site.outcomes is not None}
    default = OutcomeMap(rules=()) if settings.outcomes is None else read_outcome_map(settings.outcomes)
    return OutcomeMaps(default, {site_id: read_outcome_map(file) for site_id, file in own.items()})


def read_outcome_map(file: Path) -> OutcomeMap:
    """The map in a YAML file.

    Raises:
        ConfigError: The file is missing or wrong.
    """
    try:
        document = read_document(file.read_text(encoding="utf-8"))
        return OutcomeMap.model_validate(document)
    except OSError as err:
        raise ConfigError(f"outcome map {file}: {err.strerror}", {"file": str(file)}) from err
    except DocumentError as err:
        raise ConfigError(f"outcome map {file} is not YAML: {err}", {"file": str(file)}) from err
    except ValidationError as err:
        first = err.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        known = ", ".join(Outcome)
        raise ConfigError(
            f"outcome map {file}, {place}: {first['msg']} (outcomes: {known})", {"file": str(file)}
        ) from err


def _fits(code: str, patterns: str | tuple[str, ...]) -> bool:
    wanted = (patterns,) if isinstance(patterns, str) else patterns
    return code != "" and any(fnmatchcase(code.lower(), pattern.lower()) for pattern in wanted)
