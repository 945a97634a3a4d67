"""What a mapping file for any REST CMMS can say, and what is refused with its place and what to do."""

import datetime as dt
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.rest.files import SHIPPED, read_mapping
from serving.erp.rest.paths import MISSING, parse, read
from serving.erp.rest.templates import fill, fill_text, fill_url
from serving.erp.rest.times import TimeForm

NOON = dt.datetime(2026, 2, 28, 12, tzinfo=dt.UTC)
Document = dict[str, Any]  # Any: YAML

# The least that a mapping says, and what the cases below spoil.
MAPPING: Document = {
    "about": "a made-up CMMS",
    "sign_in": {"style": "bearer"},
    "states": {"10": "open"},
    "order": {"number": "no", "key": "ref"},
    "change": {"changed_at": "at"},
    "times": {"day": {"format": "%Y-%m-%d", "zone": "Europe/Berlin"}},
    "find": {"path": "orders", "query": {"ref": "{key}"}, "items": "data"},
    "keys": {"path": "orders", "query": {"prefix": "{prefix}"}, "items": "data"},
    "create": {"path": "orders", "body": {"ref": "{key}", "until": "{due:day}"}},
}


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("", ()),
        ("a.b[0]", ("a", "b", 0)),
        ('["a.b"].c', ("a.b", "c")),
        ("[-1]", (-1,)),
        ("@id", ("@id",)),
    ],
)
def test_paths_are_names_and_indices(path: str, steps: tuple[str | int, ...]) -> None:
    assert parse(path) == steps


@pytest.mark.parametrize("path", ["a..b", "a[x]", "a[?(@.b)]", "a b", "a[*]", "__import__('os')", "a["])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        parse(path)


def test_null_is_not_the_same_as_nothing() -> None:
    assert read({"a": None}, "a") is None
    assert read({"a": None}, "a.b") is MISSING
    assert read([1], "[1]") is MISSING


class _Held:
    def value(self, name: str, form: str) -> object:
        return {"n": 7, "text": "a b/{c}", "none": None, "list": [1]}[name]


def test_placeholders_are_filled_once_and_keep_their_type() -> None:
    held = _Held()
    assert fill({"a": "{n}", "b": ["{none}", "{list}"], "c": {"d": "{none}"}, "e": None}, held) == {
        "a": 7,
        "b": [None, [1]],
        "e": None,
    }
    assert fill_text("{{{text}}} {none}.", held) == "{a b/{c}} ."
    assert fill_url("x/{text}", held) == "x/a%20b%2F%7Bc%7D"
    with pytest.raises(OrderRejectedError, match="there is no none"):
        fill_url("x/{none}", held)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (TimeForm(), "2026-02-28T12:00:00+00:00"),
        (TimeForm(zone="Europe/Berlin"), "2026-02-28T13:00:00+01:00"),
        (TimeForm(format="epoch_s"), 1772280000),
        (TimeForm(format="epoch_ms"), 1772280000000),
        (TimeForm(format="%d.%m.%Y %H:%M", zone="Asia/Tokyo"), "28.02.2026 21:00"),
        (TimeForm(format="%Y-%m-%dT%H:%M:%S.%3fZ"), "2026-02-28T12:00:00.000Z"),
    ],
)
def test_moments_are_written_and_read_in_the_erps_form_and_zone(form: TimeForm, written: object) -> None:
    assert form.write(NOON) == written
    assert form.read(written) == NOON


def test_naive_moments_are_of_the_zone_and_dates_are_midnight_there() -> None:
    assert TimeForm(zone="Europe/Berlin").read("2026-02-28T13:00:00") == NOON
    assert TimeForm(format="%Y-%m-%d", zone="Europe/Berlin").read("2026-02-28") == NOON - dt.timedelta(hours=13)


def test_moment_as_an_object_of_parts() -> None:
    form = TimeForm(format="parts", constants={"__class__": "datetime"})
    assert form.read(form.write(NOON)) == NOON
    assert form.write(NOON) == {
        "__class__": "datetime",
        "year": 2026,
        "month": 2,
        "day": 28,
        "hour": 12,
        "minute": 0,
        "second": 0,
        "microsecond": 0,
    }
    with pytest.raises(ValueError, match="not a moment"):
        form.read("2026")


@pytest.mark.parametrize(
    ("blocks", "place", "hint"),
    [
        ({"creat": {}}, "creat", "did you mean 'create'"),
        ({"create": {"methd": "POST"}}, "create.methd", "did you mean 'method'"),
        ({"create": {"method": "SEND"}}, "create.method = 'SEND'", "POST"),
        ({"create": {"body": {"a": "{titel}"}}}, "create: {titel}", "did you mean 'title'"),
        ({"create": {"body": {"a": "{due:dya}"}}}, "create: {due:dya}", "did you mean 'day'"),
        ({"create": {"body": {"a": "{key"}}}, "single brace", "{{"),
        ({"find": {"query": {"a": "{secret}"}}}, "find: {secret}", "stands for nothing"),
        ({"find": {"items": "a[*]"}}, "find.items = 'a[*]'", "is not a path"),
        ({"states": {"done": "finished"}}, "states.done = 'finished'", "valid"),
        ({"order": {"key": []}}, "order.key", "say where"),
        ({"maps": {"priority": {1: "A"}}}, "maps", "priority 2, 3, 4, 5 has no value"),
        ({"maps": {"prioritie": {}}}, "maps", "did you mean 'priority'"),
        ({"times": {"day": {"zone": "Mars"}}}, "times.day.zone = 'Mars'", "Europe/Berlin"),
        ({"times": {"day": {"format": "DD.MM"}}}, "times.day.format = 'DD.MM'", "%Y-%m-%d"),
        ({"change": {"changed_at": {"at": "x", "time": "dya"}}}, "time 'dya'", "did you mean 'day'"),
        ({"sign_in": {"style": "oauth"}}, "sign_in", "session"),
        ({"paging": {"style": "pages"}}, "paging.style = 'pages'", "did you mean 'page'"),
    ],
)
def test_wrong_mapping_names_file_place_value_and_what_to_do(
    tmp_path: Path, blocks: Document, place: str, hint: str
) -> None:
    document = deepcopy(MAPPING)
    for name, value in blocks.items():
        document[name] = {**document.get(name, {}), **value}
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError) as caught:
        read_mapping(str(file))
    assert str(file) in str(caught.value)
    assert place in str(caught.value)
    assert hint in str(caught.value)


def test_missing_block_and_missing_file_say_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("about: nothing\n")
    with pytest.raises(ConfigError, match="is needed and not there"):
        read_mapping(str(file))
    file.write_text("find: {path: a}\nfind: {path: b}\n")
    with pytest.raises(ConfigError, match="used twice"):
        read_mapping(str(file))
    with pytest.raises(ConfigError, match="shipped: atlas"):
        read_mapping("atlsa")


@pytest.mark.parametrize("name", sorted(file.stem for file in SHIPPED.glob("*.yaml")))
def test_shipped_mappings_are_valid_by_name_and_by_file(name: str) -> None:
    assert read_mapping(name) == read_mapping(f"{name}.yaml") == read_mapping(str(SHIPPED / f"{name}.yaml"))
