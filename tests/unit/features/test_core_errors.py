import copy
import inspect
import pickle
from collections.abc import Callable

import pytest

from features.core import errors
from features.core.errors import (
    ConfigError,
    ErpUnavailableError,
    LeakageError,
    RejectedError,
    RetriableError,
    UnfitError,
    WearcastError,
)

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, WearcastError)]
BRANCHES = (ConfigError, RetriableError, RejectedError, UnfitError)


def _pickled(error: WearcastError) -> WearcastError:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was just made here
    assert isinstance(arrived, WearcastError)
    return arrived


@pytest.mark.parametrize("error_class", CLASSES)
@pytest.mark.parametrize("travel", [_pickled, copy.deepcopy])
def test_every_error_crosses_a_process_border_with_its_facts(
    error_class: type[WearcastError], travel: Callable[[WearcastError], WearcastError]
) -> None:
    error = error_class("tag T1: value 7 is too high", {"tag": "T1", "value": 7})

    arrived = travel(error)

    assert type(arrived) is error_class
    assert str(arrived) == arrived.message == "tag T1: value 7 is too high"
    assert arrived.context == {"tag": "T1", "value": 7}


@pytest.mark.parametrize("error_class", [c for c in CLASSES if c is not WearcastError])
def test_every_error_says_what_the_caller_does_next(error_class: type[WearcastError]) -> None:
    assert sum(issubclass(error_class, branch) for branch in BRANCHES) == 1


def test_the_tree_at_the_top_of_the_file_names_every_error() -> None:
    assert {c.__name__ for c in CLASSES} == {w for w in (errors.__doc__ or "").split() if w.endswith("Error")}


def test_every_error_is_public() -> None:
    assert {c.__name__ for c in CLASSES} == set(errors.__all__)


def test_an_error_without_facts_has_an_empty_context() -> None:
    assert LeakageError("rows of one unit on both sides").context == {}


def test_facts_are_those_of_the_moment_of_raising() -> None:
    facts: dict[str, object] = {"try": 1}
    error = ErpUnavailableError("later", facts)

    facts["try"] = 2

    assert error.context == {"try": 1}
