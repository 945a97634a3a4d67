"""Rules that a linter does not know, read from the syntax trees of the three packages."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    file.relative_to(ROOT).as_posix()
    for package in ("features", "pipelines", "serving")
    for file in (ROOT / package).rglob("*.py")
)

# Library -> the places that may import it; a place ends with / when it is a folder.
OWNERS: dict[str, tuple[str, ...]] = {
    "mlflow": ("features/core/models", "pipelines/training", "pipelines/champion"),
    "dagster": ("pipelines/defs/", "pipelines/definitions.py"),
    "fastapi": (
        "serving/app/",
        "serving/routes/",
        "serving/web/",
        "serving/gate",
        "serving/auth",
        "serving/sandbox_erp",
    ),
    "tsfresh": ("pipelines/discover",),
    "pandas": ("pipelines/discover", "pipelines/training", "pipelines/imports/"),
    "lifelines": ("pipelines/model/prior.py",),
    "lightgbm": ("features/rul/scorer", "pipelines/model"),
    "sqlalchemy": ("serving/store", "serving/sandbox_erp"),
    "alembic": ("serving/store",),
    "deltalake": ("features/core/lake", "features/core/commits.py"),
    "pint": ("features/core/units.py",),
    "yaml": ("features/core/documents.py",),
    "matplotlib": ("pipelines/training", "pipelines/evaluation", "pipelines/model"),
    "httpx": ("serving/erp/", "serving/demo", "pipelines/historian/", "pipelines/up", "serving/worker"),
    "dask": (),
    "optuna": ("pipelines/tuning/search.py",),
}
# Costs seconds and hundreds of megabytes: imported where it is used, never when a module is read.
LAZY = ("mlflow", "matplotlib", "tsfresh", "pandas", "optuna", "lifelines")
# Modules that are nothing without their library; whoever uses them imports them where they are used.
AROUND = ("pipelines/training/mlflow_model.py", "pipelines/training/plots.py")
NEVER = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
RANDOM = {"random", "numpy.random"}
# The bootstrap draws lives again, with a seed that is told beside its intervals.
DRAWING = ("pipelines/historian/simulator", "pipelines/evaluation/bootstrap.py")
HOMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
# A path of one machine: nobody else has it.
FOREIGN_PATH = re.compile(r"(?<![\w.:/}\-])/(work|tmp|root|home|Users|opt)/\w")


@cache
def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse(_text(file))


def _imports(node: ast.AST) -> Iterator[str]:
    """Every imported module, e.g. `a.b` and `a.b.c` for `from a.b import c`."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module is not None:
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)


def _roots(node: ast.AST) -> set[str]:
    return {name.split(".")[0] for name in _imports(node)}


def _on_reading(file: str) -> set[str]:
    """Roots of what is imported when the module is read: not inside functions, not for types only."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(_tree(file).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= _roots(node)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def _offenders(wrong: Callable[[str], object]) -> dict[str, object]:
    """File -> what is wrong with it, for every file with which something is wrong."""
    return {file: found for file in FILES if (found := wrong(file))}


def test_the_packages_are_found() -> None:
    assert len(FILES) > 20


def test_nothing_is_pickled() -> None:
    assert _offenders(lambda file: _roots(_tree(file)) & NEVER) == {}


def test_no_text_is_run_as_code_and_nothing_is_printed() -> None:
    def called(file: str) -> set[str]:
        calls = (n.func for n in ast.walk(_tree(file)) if isinstance(n, ast.Call))
        return {f.id for f in calls if isinstance(f, ast.Name)} & {"eval", "exec", "print", "breakpoint", "input"}

    assert _offenders(called) == {}


def test_tls_is_verified() -> None:
    def switched_off(file: str) -> list[int]:
        return [
            n.value.lineno
            for n in ast.walk(_tree(file))
            if isinstance(n, ast.keyword)
            and n.arg in ("verify", "verify_ssl", "check_hostname")
            and isinstance(n.value, ast.Constant)
            and n.value.value is False
        ]

    assert _offenders(switched_off) == {}


def test_a_number_shown_to_a_user_comes_from_data() -> None:
    """Random numbers are for the simulator, which draws from counters, and for drawing lives again."""

    def drawn(file: str) -> set[str]:
        if file.startswith(DRAWING):
            return set()
        attributes = {ast.unparse(n) for n in ast.walk(_tree(file)) if isinstance(n, ast.Attribute)}
        numpy = {name for name in attributes if name.startswith(("np.random", "numpy.random"))}
        return numpy - {"np.random.Generator", "np.random"} | set(_imports(_tree(file))) & RANDOM

    assert _offenders(drawn) == {}


def test_no_exception_is_swallowed_unnamed() -> None:
    def swallowed(file: str) -> list[int]:
        handlers = (n for n in ast.walk(_tree(file)) if isinstance(n, ast.ExceptHandler))
        return [n.lineno for n in handlers if n.type is None or (_is_broad(n.type) and _is_silent(n))]

    assert _offenders(swallowed) == {}


def _is_broad(kind: ast.expr) -> bool:
    return ast.unparse(kind) in ("Exception", "BaseException")


def _is_silent(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(n, ast.Pass) for n in handler.body)


def test_a_module_is_short_enough_to_read() -> None:
    assert _offenders(lambda file: len(_text(file).splitlines()) // 501) == {}


def test_a_module_is_named_by_a_noun_of_its_own() -> None:
    assert _offenders(lambda f: {part.removesuffix(".py").strip("_") for part in Path(f).parts} & HOMELESS) == {}


def test_a_library_is_imported_only_by_its_owner() -> None:
    def strangers(file: str) -> set[str]:
        owned = _roots(_tree(file)) & set(OWNERS)
        return {library for library in owned if not file.startswith(OWNERS[library] or ("nobody",))}

    assert _offenders(strangers) == {}


def test_a_heavy_library_is_imported_when_it_is_used() -> None:
    """Also `test_light_imports` holds this, for what is imported through others."""
    assert _offenders(lambda file: set() if file in AROUND else _on_reading(file) & set(LAZY)) == {}


def test_no_path_of_one_machine() -> None:
    assert _offenders(lambda f: [line for line in _text(f).splitlines() if FOREIGN_PATH.search(line)]) == {}


def test_secrets_of_one_side_are_unknown_to_the_other() -> None:
    """An import contract covers modules; this covers names that are passed as text."""
    other = {"pipelines": "WEARCAST_SERVING_", "serving": "WEARCAST_PIPELINES_"}
    assert _offenders(lambda f: other.get(f.split("/")[0], "nothing such") in _text(f)) == {}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os\nimport pickle", {"os", "pickle"}),
        ("from numpy import random", {"numpy"}),
        ("def f():\n    import mlflow.pyfunc", {"mlflow"}),
    ],
)
def test_the_reader_of_imports_sees_them(source: str, said: set[str]) -> None:
    assert _roots(ast.parse(source)) == said
