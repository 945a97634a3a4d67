from pathlib import Path

import pytest

from features.core.errors import SettingsError
from features.core.settings import nearest, without_passwords
from pipelines.settings import PipelineSettings
from serving.settings import ServingSettings


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("WEARCAST_PIPELINES_LAK", "did you mean 'WEARCAST_PIPELINES_LAKE'?"),
        ("wearcast_pipelines_lak", "did you mean 'WEARCAST_PIPELINES_LAKE'?"),
        ("WEARCAST_PIPELNES_LAKE", "variables start with WEARCAST_PIPELINES_ or WEARCAST_SERVING_"),
        ("WEARCAST_LAKE", "variables start with WEARCAST_PIPELINES_ or WEARCAST_SERVING_"),
        ("WEARCAST_PIPELINES_ERP__SECRET", "is not a setting"),
    ],
)
def test_a_mistyped_variable_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, said: str) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingsError) as caught:
        PipelineSettings.read()
    assert said in str(caught.value)
    assert caught.value.context == {"variable": variable}


def test_the_other_sides_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEARCAST_SERVING_ERP__SECRET", "s3cret")
    settings = PipelineSettings.read()
    assert "s3cret" not in repr(settings)


def test_an_unknown_key_of_the_file_is_refused_with_the_nearest() -> None:
    Path("pipelines.toml").write_text('lak = "elsewhere"')
    with pytest.raises(SettingsError, match=r"pipelines\.toml: unknown key 'lak'; did you mean 'lake'\?"):
        PipelineSettings.read()


def test_an_unknown_key_inside_a_section_is_refused_with_its_place() -> None:
    Path("serving.toml").write_text('[erp]\nknd = "webhook"')
    with pytest.raises(SettingsError, match=r"erp\.knd"):
        ServingSettings.read()


@pytest.mark.parametrize("content", [b'lake = "', b'lake = "\xff"'])
def test_a_file_that_is_no_toml_is_refused_by_name(content: bytes) -> None:
    Path("pipelines.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"^pipelines\.toml: "):
        PipelineSettings.read()


def test_argument_beats_variable_beats_file_beats_default(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pipelines.toml").write_text('lake = "file"\nartifacts = "file"\nmodels = "file"')
    monkeypatch.setenv("WEARCAST_PIPELINES_LAKE", "variable")
    monkeypatch.setenv("WEARCAST_PIPELINES_ARTIFACTS", "variable")

    settings = PipelineSettings.read(lake="argument")

    assert (settings.lake, settings.artifacts, settings.models) == ("argument", "variable", "file")
    assert settings.plant == Path("data/plant")


def test_sources_come_from_the_file_and_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pipelines.toml").write_text('[sources.pi]\nkind = "csv"\nfolder = "exports"')
    monkeypatch.setenv("WEARCAST_PIPELINES_SOURCES__PI__KIND", "memory")
    source = PipelineSettings.read().sources["pi"]
    assert source.kind == "memory"
    assert source.model_extra == {"folder": "exports"}


def test_a_variable_that_should_be_json_is_refused_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEARCAST_PIPELINES_SOURCES", "hunter2")
    with pytest.raises(SettingsError, match="sources") as caught:
        PipelineSettings.read()
    assert "hunter2" not in str(caught.value)


def test_a_value_out_of_range_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEARCAST_PIPELINES_PAGE_ROWS", "1")
    with pytest.raises(SettingsError, match=r"'page_rows'.*greater than or equal to 100"):
        PipelineSettings.read()


def test_settings_do_not_change_after_reading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        PipelineSettings.read().lake = "elsewhere"  # type: ignore[misc] # frozen is what is tested


def test_an_erp_is_written_to_only_after_a_person_said_so() -> None:
    erp = ServingSettings.read().erp
    assert (erp.kind, erp.mode) == ("dry_run", "dry_run")


def test_servers_listen_on_this_machine_only() -> None:
    assert ServingSettings.read().host == "127.0.0.1"


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEARCAST_SERVING_ERP__SECRET", "hunter2")
    settings = ServingSettings.read()
    assert settings.erp.secret is not None
    assert settings.erp.secret.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings} {settings.model_dump()}"


def test_a_hint_names_the_nearest_or_else_all() -> None:
    assert nearest("sensr", ["sensor", "site"]) == "did you mean 'sensor'?"
    assert nearest("qqq", ["b", "a"]) == "valid: a, b"


def test_an_erp_address_with_a_password_is_refused_without_telling_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEARCAST_SERVING_ERP__URL", "https://wearcast:hunter2@erp.example/path")
    with pytest.raises(SettingsError, match=r"erp\.secret_file") as caught:
        ServingSettings.read()
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("WEARCAST_SERVING_ERP__URL", "https://erp.example/path@2")
    assert ServingSettings.read().erp.url == "https://erp.example/path@2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x and postgresql://a:b@c failed", "http://u:***@h/x and postgresql://a:***@c failed"),
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
        ("http://host:5000/x", "http://host:5000/x"),
        ("http://:p@h", "http://:***@h"),
    ],
)
def test_a_password_in_an_address_is_not_shown(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
