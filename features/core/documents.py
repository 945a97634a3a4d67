"""YAML documents that people write: plant, mappings, configurations.

They are read as YAML 1.2 has it: only true and false are booleans (a code NO stays NO), 10:00 is no number, and
a date stays text; so does 0010, which is a code and neither eight nor ten. A key that is used twice is refused,
where YAML would silently keep the last one.
"""

import re
from typing import Any

import yaml

__all__ = ["DocumentError", "read_document", "write_document"]

# What is not YAML; its text names line and column.
DocumentError = yaml.YAMLError

# libyaml is ten times quicker; it is part of the wheels, and not of every system.
_Reader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Writer: type[yaml.SafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?(?:[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?)$"
        r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
    ),
}


class _Loader(_Reader):  # type: ignore[valid-type, misc] # one of two classes of the library
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # Any: as in yaml
        seen: set[object] = set()
        for key, _ in node.value:
            if not isinstance(key.value, str):
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is used twice", problem_mark=key.start_mark)
            seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep)  # Any: as in yaml
        return found


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, _NUMBERS.get(tag, pattern))
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:timestamp" and (tag != "tag:yaml.org,2002:bool" or first in "tTfF")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(_Writer):  # type: ignore[valid-type, misc] # one of two classes of the library
    """Quotes whatever either version of YAML would take for something else than text."""


_Dumper.yaml_implicit_resolvers = {
    first: [*_Loader.yaml_implicit_resolvers[first], *resolvers]
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
}


def read_document(text: str) -> Any:  # Any: whatever the document holds
    """What a YAML text holds; None when it is empty.

    Raises:
        DocumentError: No YAML, or a key used twice; line and column are named.
    """
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader


def write_document(document: Any) -> str:  # Any: see `read_document`
    """YAML text with the keys in the order given; `read_document` reads it back."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))
