"""`python -m features`: the catalogue page, and writing and checking a plant file."""

import json
from pathlib import Path

from typer.testing import CliRunner

from features.__main__ import app
from features.core.plant import read_plant
from features.registry import catalogue, trends


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_the_catalogue_page_names_every_feature_with_unit_and_source() -> None:
    code, page, _ = run("catalogue")
    assert code == 0
    lines = page.splitlines()
    for feature in catalogue():
        (line,) = [text for text in lines if f"| `{feature.name}` |" in text]
        assert feature.unit in line
        assert feature.source in line
    for trend in trends():
        assert any(f"| `{trend.name}` |" in text for text in lines)


def test_the_catalogue_page_is_a_table_without_broken_rows() -> None:
    rows = [line for line in run("catalogue")[1].splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {10, 8}


def test_the_written_plant_file_is_valid_and_commented(tmp_path: Path) -> None:
    file = tmp_path / "plant" / "mine.yaml"
    code, said, _ = run("init", str(file))
    assert code == 0
    assert "check" in said
    assert read_plant(file).machines[0].components[0].fault_orders is not None
    assert file.read_text(encoding="utf-8").count("#") > 10
    assert run("check", "--plant", str(file))[0] == 0


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine", encoding="utf-8")
    code, _, error = run("init", str(file))
    assert code == 2
    assert "exists" in error
    assert file.read_text(encoding="utf-8") == "mine"


def test_check_says_what_is_there_and_what_comes_next(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    run("init", str(file))
    code, said, _ = run("check", "--plant", str(file), "--json")
    report = json.loads(said)
    assert code == 0
    assert report["ok"] is True
    assert (report["machines"], report["measuring_points"]) == (1, 5)
    assert report["features"]["rolling_bearing"] > 60
    assert "plant_historian" in report["next"]


def test_check_hints_at_what_will_be_missed(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    run("init", str(file))
    text = file.read_text(encoding="utf-8")
    text = text.replace("            bearing: 6205-2RS", "            # bearing: 6205-2RS")
    text = text.replace("            tags: {plant_historian: P101.LOAD}\n", "")
    file.write_text(text, encoding="utf-8")
    said = run("check", "--plant", str(file))[1]
    assert "P101/DE-bearing: no bearing" in said
    assert "P101/P101-LOAD: no tags" in said


def test_check_names_the_place_of_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    run("init", str(file))
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("quantity: speed", "quantity: sped"), encoding="utf-8")
    code, _, error = run("check", "--plant", str(file))
    assert code == 2
    assert "measuring_points[4].quantity" in error
    assert "'speed'" in error
    code, said, _ = run("check", "--plant", str(file), "--json")
    assert code == 2
    assert json.loads(said)["ok"] is False


def test_check_without_a_plant_file_says_how_to_get_one(tmp_path: Path) -> None:
    code, _, error = run("check", "--plant", str(tmp_path / "none.yaml"))
    assert code == 2
    assert "wearcast init" in error


def test_telemetry_alone_is_not_asked_for_a_speed(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    run("init", str(file))
    text = file.read_text(encoding="utf-8").replace("        speed: {role: speed}", "        # no speed")
    file.write_text(text, encoding="utf-8")
    assert "P101: no speed" in run("check", "--plant", str(file))[1]

    start, end = text.index("          - id: P101-DE-VIB"), text.index("          - id: P101-DE-TEMP")
    file.write_text(text[:start] + text[end:], encoding="utf-8")
    assert "no speed" not in run("check", "--plant", str(file))[1]


def test_an_unknown_benchmark_is_refused_with_a_list() -> None:
    code, _, error = run("benchmark", "nonesuch", "--json")
    assert code == 2
    assert "there are:" in error
