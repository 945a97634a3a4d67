import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.tables import MAINTENANCE_EVENTS, QUARANTINE
from pipelines.imports.order_map import OrderMap, read_order_map
from pipelines.imports.work_orders import WorkOrdersReport, import_work_orders

NOW = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
PLANT = Plant.model_validate(
    {
        "component_classes": [{"id": "seal"}, {"id": "bearing"}],
        "sites": [
            {
                "id": "site",
                "time_zone": "Europe/Berlin",
                "machines": [
                    {
                        "id": "P101",
                        "components": [
                            {"slot": "seal", "component_class": "seal"},
                            {"slot": "DE", "component_class": "bearing"},
                        ],
                        "measuring_points": [
                            {"id": "t", "role": "t", "quantity": "temperature", "unit": "degC", "tags": {"s": "T"}}
                        ],
                    }
                ],
            }
        ],
    }
)
MAP = {
    "source": "cmms",
    "event_id": "no",
    "machine_id": "asset",
    "text": "words",
    "occurred_at": {"column": "closed", "format": "%d.%m.%Y %H:%M"},
    "codes": {"code": "code", "place": "place"},
    "rules": [
        {"when": {"code": "PM*"}, "routine": "upkeep"},
        {
            "when": {"code": "OVH"},
            "kind": "replacement",
            "outcome": "preventive_replacement",
            "slots": ["seal", "DE"],
        },
        {"when": {"code": ["LEAK", "BRG?"]}, "kind": "failure", "outcome": "confirmed_failure"},
        {"when": {"code": "LEAK"}, "failure_mode": "leak", "slots": "seal"},
        {"when": {"code": "BRG1"}, "failure_mode": "spall"},
        {"when": {"place": "drive end"}, "slots": "DE"},
    ],
}
HEADER = "no,words,code,place,asset,closed"


def take(folder: Path, *lines: str, rules: list[dict[str, object]] | None = None) -> WorkOrdersReport:
    file = folder / "orders.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    order_map = OrderMap.model_validate(MAP | ({} if rules is None else {"rules": rules}))
    return import_work_orders(file, order_map, Lake(folder / "lake"), PLANT, now=NOW)


def events(folder: Path) -> pl.DataFrame:
    return Lake(folder / "lake").read(MAINTENANCE_EVENTS).sort("source_event_id", "revision").collect()


def test_codes_become_events_in_the_time_of_the_site(tmp_path: Path) -> None:
    report = take(tmp_path, "7,seal drips,leak,pump,P101,01.03.2025 10:00")
    row = events(tmp_path).row(0, named=True)
    assert (row["kind"], row["outcome"], row["failure_mode"], row["slot"]) == (
        *("failure", "confirmed_failure", "leak", "seal"),
    )
    assert row["occurred_at"] == dt.datetime(2025, 3, 1, 9, tzinfo=dt.UTC)
    assert (report.mapped, report.new, report.failure_modes) == (1, 1, {"leak": 1})


def test_of_each_property_the_first_rule_that_names_it_counts(tmp_path: Path) -> None:
    take(tmp_path, "7,x,BRG1,drive end,P101,01.03.2025 10:00")
    assert events(tmp_path).select("kind", "failure_mode", "slot").row(0) == ("failure", "spall", "DE")


def test_an_order_about_several_components_is_an_event_of_each(tmp_path: Path) -> None:
    take(tmp_path, "7,x,OVH,pump,P101,01.03.2025 10:00")
    assert events(tmp_path).select("source_event_id", "slot").rows() == [("7/DE", "DE"), ("7/seal", "seal")]


def test_every_order_is_routine_mapped_or_before_a_person(tmp_path: Path) -> None:
    report = take(
        tmp_path,
        "1,x,PM10,pump,P101,01.03.2025 10:00",
        "2,x,LEAK,pump,P101,01.03.2025 10:00",
        "3,x,ZX,pump,P101,01.03.2025 10:00",
        "4,x,BRG2,pump,P101,01.03.2025 10:00",
        "5,x,LEAK,pump,P101,2025-03-01",
    )
    assert (report.orders, report.routine, report.mapped, report.needs_review) == (5, 1, 1, 3)
    assert report.unmapped == {
        "bad_time: code=LEAK place=pump": 1,
        "unmapped_code: code=ZX place=pump": 1,
        "unmapped_component: code=BRG2 place=pump": 1,
    }
    assert report.examples["unmapped_code: code=ZX place=pump"] == ["3"]
    kept = Lake(tmp_path / "lake").read(QUARANTINE).collect()
    assert sorted(kept["reason"]) == ["bad_time", "unmapped_code", "unmapped_component"]
    assert kept.filter(reason="unmapped_code")["raw"].to_list() == ["3;x;ZX;pump;P101;01.03.2025 10:00"]


def test_an_order_of_a_machine_that_the_plant_lacks_is_kept_apart(tmp_path: Path) -> None:
    report = take(tmp_path, "7,x,LEAK,pump,P999,01.03.2025 10:00")
    assert (report.new, report.quarantined) == (0, 1)


def test_the_same_orders_again_add_nothing_and_a_new_code_is_a_revision(tmp_path: Path) -> None:
    line = "7,x,BRG1,drive end,P101,01.03.2025 10:00"
    take(tmp_path, line, "3,x,ZX,pump,P101,01.03.2025 10:00")
    again = take(tmp_path, line, "3,x,ZX,pump,P101,01.03.2025 10:00")
    recoded = take(tmp_path, line.replace("BRG1", "BRG2"))
    assert (again.new, again.known, again.quarantined, recoded.new) == (0, 1, 0, 1)
    assert events(tmp_path)["failure_mode"].to_list() == ["spall", None]


def test_a_rule_more_takes_what_waited(tmp_path: Path) -> None:
    line = "3,x,ZX,drive end,P101,01.03.2025 10:00"
    take(tmp_path, line)
    more: list[dict[str, object]] = [{"when": {"code": "ZX"}, "kind": "failure", "slots": "DE"}]
    assert take(tmp_path, line, rules=more).new == 1


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([{"when": {"cause": "X"}, "routine": "y"}], "asks for 'cause'; codes are code, place"),
        ([{"when": {"code": "X"}}], "a rule says routine"),
        ([{"when": {"code": "X"}, "kind": "explosion"}], "rules.0.kind"),
    ],
)
def test_a_wrong_map_is_told_by_its_place(tmp_path: Path, rules: list[dict[str, object]], told: str) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(str(MAP | {"rules": rules}), encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_order_map(file)


def test_a_missing_column_is_told(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("no,words\n", encoding="utf-8")
    order_map, lake = OrderMap.model_validate(MAP), Lake(tmp_path / "lake")
    with pytest.raises(ConfigError, match="no column 'asset'"):
        import_work_orders(tmp_path / "orders.csv", order_map, lake, PLANT, now=NOW)
