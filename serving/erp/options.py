"""What only one kind of ERP knows, from `[erp.options]` of the settings file."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from features.core.errors import ConfigError
from features.core.settings import nearest
from serving.settings import ErpSettings

__all__ = ["read_options"]

_Options = TypeVar("_Options", bound=BaseModel)


def read_options(settings: ErpSettings, model: type[_Options]) -> _Options:
    """The options of a connection, checked by the adapter's own model (which forbids what it does not know).

    Raises:
        ConfigError: The first option that is wrong, with its name, its value and what to do.
    """
    try:
        return model.model_validate(settings.options)
    except ValidationError as err:
        first = err.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        known = ", ".join(model.model_fields)
        if first["type"] == "extra_forbidden":
            hint = nearest(place, list(model.model_fields))
            message = f"erp.options.{place} is not known for kind {settings.kind}; {hint}"
        elif first["type"] == "missing":
            message = f"erp.options.{place} is missing for kind {settings.kind}; options are {known}"
        else:
            message = f"erp.options.{place} = {first['input']!r}: {first['msg']}"
        raise ConfigError(message, {"option": place}) from err
