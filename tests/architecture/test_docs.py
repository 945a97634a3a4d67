"""The docs are true where that is cheap to see: links, names, commands, words, licences, examples."""

import datetime as dt
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from enum import StrEnum
from pathlib import Path

import pytest
import yaml

from features.core import statements
from features.core.clock import SystemClock
from features.core.plant import LifeUnit, Plant, read_plant
from features.core.tables import TABLES
from pipelines.historian import KINDS, open_historian
from pipelines.settings import SourceSettings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TUTORIAL = ROOT / "docs" / "tutorial.md"
RECORDS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
# A page name, a file or folder of the project, or a module, as written between backticks.
FILES = re.compile(r"`((?:features|pipelines|serving|tests|docs|data/plant|data/simulator)(?:/[\w.-]+)+)`")
MODULES = re.compile(r"`((?:features|pipelines|serving)(?:\.\w+)+)`")


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_pages_are_found() -> None:
    assert {"README.md", "glossary.md", "tutorial.md", "architecture.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_and_modules_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = [name for name in FILES.findall(text) if "/x.py" not in name and not (ROOT / name).exists()]
    modules = [name for name in MODULES.findall(text) if not _is_there(name)]
    assert (files, modules) == ([], [])


def _is_there(name: str) -> bool:
    """A module, something inside one, or a settings file."""
    path = ROOT / name.replace(".", "/")
    module_or_owner = [p for p in (path, path.parent) if p.parent != ROOT]
    return name.endswith(".toml") or any(p.is_dir() or p.with_suffix(".py").exists() for p in module_or_owner)


def test_every_word_of_the_statements_is_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    closed: list[type[StrEnum]] = [LifeUnit]
    closed += [c for c in vars(statements).values() if isinstance(c, type) and issubclass(c, StrEnum)]
    words = {member.value for one in closed for member in one}
    assert len(words) > 30
    assert {word for word in words if f"`{word}`" not in glossary} == set()


def test_every_noun_has_one_entry_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\*\*(.+?)\.\*\*", glossary, re.MULTILINE)
    nouns = {
        *("Site", "Machine", "Component", "MeasuringPoint", "Measurement", "Waveform", "FeatureRow"),
        *("Life", "Failure", "Suspension", "FailureMode", "Outcome", "MaintenanceEvent", "MaintenanceWindow"),
        *("HealthState", "condition_index", "rul_index", "Prediction", "Refusal", "Rung"),
        *("Recommendation", "MaintenanceRequest", "WorkOrder"),
    }
    assert nouns - set(entries) == set()
    assert len(entries) == len(set(entries))


def test_every_dependency_has_a_record_that_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=~ ]", line)[0] for line in wanted}
    records = "\n".join(page.read_text(encoding="utf-8") for page in RECORDS)
    assert len(names) > 30
    assert {name for name in names if f"`{name}`" not in records} == set()


@pytest.mark.parametrize("page", RECORDS, ids=lambda page: page.name)
def test_a_record_has_the_parts_of_the_template(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {page.name[:4]}\. ", text)
    assert re.search(r"^- Status: (proposed|accepted|superseded by \d{4})$", text, re.MULTILINE)
    for part in ("Context", "Decision", "Consequences", "Alternatives"):
        assert f"\n## {part}\n" in text


def test_the_index_of_decisions_is_complete() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in RECORDS] == re.findall(r"\((\d{4}-[\w-]+\.md)\)", index)


def _help(*words: str) -> str:
    result = subprocess.run(
        [sys.executable, *words, "--help"],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout


def test_every_command_of_the_docs_exists() -> None:
    known = set(
        re.findall(r"^\W*([a-z][a-z-]+) {2,}", _help("-c", "import wearcast; wearcast.app()"), re.MULTILINE)
    )
    used = {
        command
        for page in PAGES
        for command in re.findall(
            r"(?:^|`)wearcast ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {"check", "ingest", "events", "train", "score", "plan", "up"} <= used
    assert used - known == set()


def test_every_make_target_of_the_docs_exists() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    used = {
        t
        for page in PAGES
        for t in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"demo", "test", "up"} <= used <= known


def test_the_readme_opens_with_the_two_commands() -> None:
    first = re.findall(r"^make (\w+)", _blocks(ROOT / "README.md", "")[0], re.MULTILINE)
    assert first == ["demo", "test", "up"]


def test_named_historians_are_registered() -> None:
    for block in _blocks(TUTORIAL, "toml"):
        assert {source["kind"] for source in tomllib.loads(block)["sources"].values()} <= set(KINDS)


def test_every_table_of_the_docs_is_declared() -> None:
    drawn = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    stored = {name for box in re.findall(r"\(\[([^\]]+)\]\)", drawn) for name in box.split(", ")}
    assert {name for name in stored if re.fullmatch(r"[a-z_]+", name)} - {"mlruns", "outbox"} <= set(TABLES)
    assert "measurements" in stored


@pytest.mark.parametrize("package", ["features", "pipelines", "serving"])
def test_the_import_order_of_the_docs_is_that_of_the_contracts(package: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    begin = text.index("features:   __main__")
    drawn = re.split(r"^(\w+):", text[begin : text.index("```", begin)], flags=re.MULTILINE)
    told = [re.findall(r"\w+", level) for level in drawn[drawn.index(package) + 1].split(">")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(c for c in project["tool"]["importlinter"]["contracts"] if c.get("containers") == [package])
    assert told == [re.findall(r"\w+", level) for level in contract["layers"]]


def test_the_example_plant_is_valid() -> None:
    plant = read_plant(ROOT / "data" / "plant" / "example.yaml")
    assert plant.machine("EX-101").component("DE-bearing").fault_orders is not None


def test_the_tutorials_plant_is_valid(tmp_path: Path) -> None:
    assert _tutorial_plant(tmp_path).component_class("rolling_bearing").life_unit is LifeUnit.CALENDAR_H


def test_the_tutorials_machines_are_repeated_by_its_script(tmp_path: Path) -> None:
    file = tmp_path / "data" / "plant" / "plant.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(_blocks(TUTORIAL, "yaml")[0], encoding="utf-8")
    subprocess.run([sys.executable, "-c", _blocks(TUTORIAL, "python")[1]], cwd=tmp_path, timeout=60, check=True)
    machines = read_plant(file).machines
    assert [machine.id for machine in machines] == [f"P{n}" for n in range(1, 11)]
    assert {tag for m in machines for p in m.measuring_points for tag in p.tags.values()} >= {"P1.AMB", "P10.TEMP"}


def _tutorial_plant(folder: Path) -> Plant:
    file = folder / "plant.yaml"
    file.write_text(_blocks(TUTORIAL, "yaml")[0], encoding="utf-8")
    return read_plant(file)


def test_the_tutorials_example_data_is_what_the_source_reads(tmp_path: Path) -> None:
    (tmp_path / "make_example.py").write_text(_blocks(TUTORIAL, "python")[0], encoding="utf-8")
    subprocess.run([sys.executable, "make_example.py"], cwd=tmp_path, timeout=120, check=True)
    source = tomllib.loads(_blocks(TUTORIAL, "toml")[0])["sources"]["export"]
    settings = SourceSettings(**source | {"folder": str(tmp_path / source["folder"])})
    historian = open_historian("export", settings, SystemClock())
    tags = [point.tags["export"] for point in _tutorial_plant(tmp_path).machine("P1").measuring_points]
    now = dt.datetime.now(dt.UTC)

    pages = list(historian.read(tags, now - dt.timedelta(days=10), now, 100_000))

    assert sum(page.rows.height for page in pages) == pytest.approx(2 * 240, abs=4)
    assert [page.rejected for page in pages if page.rejected] == []
    kinds = [line.split(",")[3] for line in (tmp_path / "events.csv").read_text().splitlines()[1:]]
    assert kinds.count("failure") >= 20, "a calibrated range needs that many"
    assert set(kinds) == {"failure", "replacement"}


def test_the_catalogue_of_features_is_up_to_date() -> None:
    page = (ROOT / "docs" / "reference" / "features.md").read_text(encoding="utf-8")
    made = subprocess.run(
        [sys.executable, "-m", "features", "catalogue"], cwd=ROOT, capture_output=True, timeout=60, check=True
    )
    assert page == made.stdout.decode("utf-8"), "run `make docs`"


def test_yaml_of_the_docs_is_yaml() -> None:
    for page in PAGES:
        for block in _blocks(page, "yaml"):
            yaml.safe_load(block)


def test_the_licence_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert importlib.util.find_spec("wearcast") is not None
