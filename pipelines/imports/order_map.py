"""What the columns and codes of a file of work orders mean: a YAML file of rules, never a guess."""

import datetime as dt
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.core.documents import DocumentError, read_document
from features.core.errors import ConfigError, RowRejectedError
from features.core.statements import EventKind, Outcome

__all__ = ["OrderMap", "OrderRule", "TimeColumn", "read_order_map"]


def _many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_many)]


class TimeColumn(BaseModel):
    """A column with a time, and how it is written; local time of the machine's site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    format: str = Field(description="As `datetime.strptime` reads it, e.g. `%m/%d/%y %H:%M`.")

    def read(self, row: Mapping[str, str]) -> str:
        """The time as ISO 8601, without an offset.

        Raises:
            RowRejectedError: It is not written so.
        """
        text = row[self.column]
        try:
            moment = dt.datetime.strptime(text, self.format)  # noqa: DTZ007 - local time, the site's zone comes later
        except ValueError as err:
            message = f"{self.column} {text!r} is not written as {self.format}"
            raise RowRejectedError(message, {"reason": "bad_time"}) from err
        return moment.isoformat()


class OrderRule(BaseModel):
    """One rule: codes that must all fit (`*` and `?` allowed), and what an order of them tells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: dict[str, Words] = Field(min_length=1)
    routine: str | None = Field(None, description="Why it tells of no end of life, in a few words.")
    kind: EventKind | None = None
    outcome: Outcome | None = None
    failure_mode: str | None = None
    slots: Words | None = Field(None, description="Components that it was about.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in ("routine", "kind", "outcome", "failure_mode", "slots")):
            raise ValueError("a rule says routine, kind, outcome, failure_mode or slots")
        return self

    def fits(self, codes: Mapping[str, str]) -> bool:
        """Whether every code that it names fits, upper and lower case alike."""
        return all(
            any(fnmatchcase(codes[name].lower(), pattern.lower()) for pattern in patterns)
            for name, patterns in self.when.items()
        )


class OrderMap(BaseModel):
    """Columns of a file of work orders, and rules for its codes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="Part of the events' key.")
    event_id: str
    machine_id: str
    text: str
    occurred_at: TimeColumn
    codes: dict[str, str] = Field(min_length=1, description="Name in rules -> column.")
    rules: tuple[OrderRule, ...]

    @model_validator(mode="after")
    def _codes_are_known(self) -> Self:
        for rule in self.rules:
            if unknown := sorted(set(rule.when) - set(self.codes)):
                raise ValueError(f"a rule asks for {unknown[0]!r}; codes are {', '.join(self.codes)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that is read."""
        own = (self.event_id, self.machine_id, self.text, self.occurred_at.column, *self.codes.values())
        return tuple(dict.fromkeys(own))

    def read(self, row: Mapping[str, str]) -> OrderRule:
        """All that the rules say of an order, of each property the first that fits; `when` are its codes."""
        codes = {name: row[column] for name, column in self.codes.items()}
        fitting = [rule for rule in self.rules if rule.fits(codes)]
        said = {
            name: next((value for rule in fitting if (value := getattr(rule, name)) is not None), None)
            for name in ("routine", "kind", "outcome", "failure_mode", "slots")
        }
        return OrderRule.model_construct(when={name: (code,) for name, code in codes.items()}, **said)


def read_order_map(file: Path) -> OrderMap:
    """The map in a YAML file.

    Raises:
        ConfigError: The file is missing or wrong; file and place are named.
    """
    try:
        return OrderMap.model_validate(read_document(file.read_text(encoding="utf-8")))
    except (OSError, DocumentError) as err:
        raise ConfigError(f"order map {file}: {err}", {"file": str(file)}) from err
    except ValidationError as err:
        first = err.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"order map {file}, {place or 'document'}: {first['msg']}", {"file": str(file)}) from err
