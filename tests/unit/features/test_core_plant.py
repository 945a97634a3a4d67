import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.core.errors import PlantError
from features.core.plant import BearingGeometry, Criticality, LifeUnit, PointKind, fault_orders, read_plant
from features.core.units import Quantity

PLANT = """
component_classes:
  - {id: rolling_bearing, memory: [2d, 1w]}
sites:
  - id: north
    time_zone: Europe/Berlin
    maintenance_windows:
      - {id: saturday, weekday: saturday, start: 06:00, hours: 8}
    machines:
      - id: P101
        criticality: A
        grid: 12h
        speed: {role: speed}
        components:
          - slot: DE-bearing
            component_class: rolling_bearing
            bearing: 6205-2RS
        measuring_points:
          - {id: vib, role: vibration_h, quantity: acceleration, unit: g, kind: waveform, sample_rate_hz: 8192}
          - {id: temp, role: bearing_temperature, quantity: temperature, unit: degC, slot: DE-bearing}
          - {id: rpm, role: speed, quantity: speed, unit: rpm, limits: {low: 0, high: 4000}}
"""

# What stands in the file instead of what, and what the error must say: place, value, nearest valid one.
MISTAKES = [
    ("unit: g,", "unti: g,", "machines[0].measuring_points[0].unti = 'g': unknown key; did you mean 'unit'?"),
    ("criticality:", "critcality:", "machines[0].critcality = 'A': unknown key; did you mean 'criticality'?"),
    ("component_classes:", "component_clases:", "component_clases = (a block): unknown key; did you mean 'comp"),
    (", unit: g,", ",", "sites[0].machines[0].measuring_points[0].unit = (a block): Field required"),
    ("unit: g,", "unit: degC,", "measuring_points[0] = (a block): unit 'degC' is no unit of acceleration"),
    ("6205-2RS", "6205-2RX", "bearing = '6205-2RX': bearing '6205-2RX' is not in the catalogue; did you mean "),
    ("6205-2RS", "6205", "components[0].bearing = 6205: Input should be a valid string"),
    ("6205-2RS", "{bals: 9}", "components[0].bearing.bals = 9: unknown key; did you mean 'balls'? (and 3 more)"),
    ("6205-2RS", "{balls: 9, ball_diameter_mm: 40, pitch_diameter_mm: 20}", "(a block): ball_diameter_mm must be"),
    ("_class: rolling_bearing", "_class: roling", "component_class 'roling' unknown; did you mean 'rolling_b"),
    ("acceleration", "accelertion", "quantity = 'accelertion': not a valid value; did you mean 'acceleration'?"),
    ("criticality: A", "criticality: D", "criticality = 'D': not a valid value; valid: A, B, C"),
    ("weekday: saturday", "weekday: saturdy", "weekday = 'saturdy': not a valid value; did you mean 'saturday'?"),
    ("Europe/Berlin", "Europe/Berln", "sites[0].time_zone = 'Europe/Berln': time zone 'Europe/Berln' is not"),
    ("slot: DE-bearing}", "slot: DE-bering}", "slot 'DE-bering' unknown; did you mean 'DE-bearing'?"),
    ("{role: speed}", "{role: sped}", "speed.role 'sped' is no point of quantity speed; did you mean 'speed'?"),
    ("{role: speed}", "{}", "speed = (a block): give either hz (a constant) or role"),
    ("{role: speed}", "{hz: .inf}", "speed.hz = inf: Input should be a finite number"),
    ("id: temp", "id: vib", "measuring point id 'vib' is used more than once"),
    ("id: P101", "id: P101\n        id: P102", "key 'id' is used twice"),
    ("id: P101", "id: 101", "sites[0].machines[0].id = 101: Input should be a valid string"),
    ("kind: waveform, ", "", "sample_rate_hz belongs to waveform points"),
    ("low: 0", "low: 5000", "limits = (a block): low 5000.0 must be below high 4000.0"),
    ("low: 0", "low: .nan", "limits.low = nan: Input should be a finite number"),
    ("grid: 12h", "grid: 12", "grid = 12: duration 12 has no unit; write e.g. 12h"),
    ("grid: 12h", "grid: 12 hours", "grid = '12 hours': duration '12 hours' needs a unit of s, min, h, d, w"),
    ("grid: 12h", "grid: 0s", "grid = '0s': Input should be greater than"),
    ("grid: 12h", "grid: -12h", "grid = '-12h': Input should be greater than"),
    ("grid: 12h", "grid: 1e999h", "grid = '1e999h': duration '1e999h' is no number and unit"),
    ("memory: [2d,", "memory: [0d,", "memory[0] = '0d': Input should be greater than"),
    ("start: 06:00", "start: 600", "start = 600: write the local time in quotes"),
    ("start: 06:00", "start: 06:00+02:00", "start = '06:00+02:00': the time is local to the site"),
    ("bearing: 6205-2RS", "installed: 2025-01-01", "installed = '2025-01-01': 2025-01-01 00:00:00 has no"),
    ("bearing: 6205-2RS", "installed: 5", "installed = 5: write a date and time with offset"),
]  # fmt: skip


def _written(folder: Path, text: str, name: str = "plant.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_is_told_with_file_place_value_and_nearest(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert PLANT.count(old) >= 1
    file = _written(tmp_path, PLANT.replace(old, new, 1))

    with pytest.raises(PlantError) as caught:
        read_plant(file)

    assert str(caught.value).startswith(f"{file}: ")
    assert said in str(caught.value)
    assert caught.value.context["file"] == str(file)


def test_only_what_a_person_must_mend_is_counted(tmp_path: Path) -> None:
    file = _written(tmp_path, PLANT.replace("unit: g,", "unit: degC,"))
    with pytest.raises(PlantError) as caught:
        read_plant(file)
    assert "more)" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected keys"),
        ("- a", "expected keys"),
        ("a: [", "not readable as YAML"),
        ("a: !!python/name:os.x ''", "YAML"),
    ],
)
def test_a_file_that_is_no_plant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PlantError, match=said):
        read_plant(_written(tmp_path, text))


@pytest.mark.parametrize("name", ["", "none.yaml"])
def test_without_a_plant_file_the_error_says_how_to_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlantError, match="wearcast init"):
        read_plant(tmp_path / name)


def test_a_plant_file_gives_its_nouns(tmp_path: Path) -> None:
    plant = read_plant(_written(tmp_path, PLANT))

    machine = plant.machine("P101")
    assert machine.criticality is Criticality.A
    assert machine.component_id(machine.component("DE-bearing")) == "P101/DE-bearing"
    assert machine.component("DE-bearing").geometry is not None
    vib, temp, _ = machine.measuring_points
    assert (vib.kind, vib.quantity, vib.sample_rate_hz) == (PointKind.WAVEFORM, Quantity.ACCELERATION, 8192.0)
    assert {p.id for p in machine.points_of(machine.component("DE-bearing"))} == {"vib", "temp", "rpm"}
    assert temp.slot == "DE-bearing"
    assert plant.component_class("rolling_bearing").life_unit is LifeUnit.RUNNING_H
    assert plant.site_of("P101").id == "north"
    assert plant.components_of("rolling_bearing") == ((machine, machine.component("DE-bearing")),)


@pytest.mark.parametrize("look", ["machine", "site_of", "component_class"])
def test_a_name_that_is_not_there_is_a_key_error(tmp_path: Path, look: str) -> None:
    plant = read_plant(_written(tmp_path, PLANT))
    with pytest.raises(KeyError, match="nobody"):
        getattr(plant, look)("nobody")


@pytest.mark.parametrize("start", ["06:00", "10:00", '"10:00"', "23:59:30"])
def test_a_window_starts_at_the_time_that_is_written_quoted_or_not(tmp_path: Path, start: str) -> None:
    plant = read_plant(_written(tmp_path, PLANT.replace("06:00", start)))
    written = plant.sites[0].maintenance_windows[0].start
    assert written.isoformat().startswith(start.strip('"'))


def test_files_of_a_folder_make_one_plant(tmp_path: Path) -> None:
    _written(tmp_path, PLANT, "a.yaml")
    _written(tmp_path, PLANT.replace("north", "south").replace("P101", "P201"), "b.yaml")
    plant = read_plant(tmp_path)
    assert [site.id for site in plant.sites] == ["north", "south"]
    assert [machine.id for machine in plant.machines] == ["P101", "P201"]
    assert len(plant.component_classes) == 1


def test_a_machine_in_two_files_is_refused(tmp_path: Path) -> None:
    _written(tmp_path, PLANT, "a.yaml")
    _written(tmp_path, PLANT.replace("north", "south"), "b.yaml")
    with pytest.raises(PlantError, match="machine id 'P101' is used more than once"):
        read_plant(tmp_path)


def test_one_class_with_two_meanings_is_refused(tmp_path: Path) -> None:
    _written(tmp_path, PLANT, "a.yaml")
    other = PLANT.replace("north", "south").replace("P101", "P201").replace("memory: [2d, 1w]", "memory: [3d]")
    _written(tmp_path, other, "b.yaml")
    with pytest.raises(PlantError, match=r"b\.yaml: component class 'rolling_bearing' differs"):
        read_plant(tmp_path)


def test_a_rated_life_is_for_all_components_of_a_class_or_for_none(tmp_path: Path) -> None:
    machine = PLANT.index("      - id: P101")
    text = PLANT + PLANT[machine:].replace("P101", "P102")
    rated = text.replace("bearing: 6205-2RS", "bearing: 6205-2RS\n            rated_life: 9000")
    assert read_plant(_written(tmp_path, rated, "all.yaml")).machine("P102").components[0].rated_life == 9000.0
    with pytest.raises(PlantError, match="has no rated_life, others have"):
        read_plant(
            _written(
                tmp_path, text.replace("bearing: 6205-2RS", "bearing: 6205-2RS\n            rated_life: 9", 1)
            )
        )


def test_a_plant_does_not_change_after_reading(tmp_path: Path) -> None:
    plant = read_plant(_written(tmp_path, PLANT))
    with pytest.raises(ValueError, match="frozen"):
        plant.machines[0].id = "P999"  # type: ignore[misc] # frozen is what is tested


@given(balls=st.integers(3, 40), ball=st.floats(1.0, 50.0), play=st.floats(1.01, 10.0), angle=st.floats(0.0, 60.0))
def test_fault_orders_hang_together(balls: int, ball: float, play: float, angle: float) -> None:
    """Randall and Antoni 2011, eqs. 1 to 4: BPFO + BPFI = balls, BPFO = balls x FTF, FTF below half the shaft."""
    orders = fault_orders(
        BearingGeometry(balls=balls, ball_diameter_mm=ball, pitch_diameter_mm=ball * play, contact_angle_deg=angle)
    )

    assert orders.bpfo + orders.bpfi == pytest.approx(balls)
    assert orders.bpfo == pytest.approx(balls * orders.ftf)
    assert 0 < orders.ftf < 0.5
    assert orders.bpfo < orders.bpfi


def test_the_orders_of_6205_are_those_of_its_laboratory(tmp_path: Path) -> None:
    """Case Western Reserve University Bearing Data Center, defect frequencies in multiples of the speed."""
    component = read_plant(_written(tmp_path, PLANT)).machines[0].components[0]
    orders = component.fault_orders
    assert orders is not None
    # Printed with four decimals; the bsf there counts both races, twice the ball's spin.
    assert (orders.bpfi, orders.bpfo, orders.ftf) == pytest.approx((5.4152, 3.5848, 0.39828), abs=2e-3)
    assert 2 * orders.bsf == pytest.approx(4.7135, abs=2e-3)


def test_every_catalogued_bearing_names_its_source() -> None:
    text = (Path(read_plant.__code__.co_filename).parent / "bearings.csv").read_text(encoding="utf-8")
    assert all(re.search(r'"[^"]{10,}"$', line) for line in text.splitlines()[1:])
