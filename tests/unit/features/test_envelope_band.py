"""A band for the envelope: proposed from healthy snapshots, told to people and programs."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from features.__main__ import app
from features.core.errors import UnfitError
from features.core.lake import Lake
from features.core.plant import Plant, read_plant
from features.core.tables import WAVEFORMS
from features.diagnosis.band import propose, read_snapshots

RATE, SPEED = 8192.0, 24.5
INSTALLED = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
PLANT = """
component_classes:
  - {id: rolling_bearing, run_in: 1d, baseline: 4d}
sites:
  - id: s
    machines:
      - id: P1
        grid: 12h
        speed: {hz: 24.5}
        components:
          - {slot: DE, component_class: rolling_bearing, bearing: 6205-2RS, installed: "2025-03-01T00:00:00Z"}
        measuring_points:
          - {id: vib, role: vibration_h, quantity: acceleration, unit: g, kind: waveform, sample_rate_hz: 8192}
          - {id: quiet, role: vibration_v, quantity: acceleration, unit: g, kind: waveform, sample_rate_hz: 8192}
          - {id: temp, role: temperature, quantity: temperature, unit: K}
"""


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(8192)


def ringing(hz: float, seed: int) -> np.ndarray:
    """Strikes at every revolution that ring at `hz`, in noise."""
    after = np.mod(np.arange(8192) / RATE, 1 / SPEED)
    return np.asarray(4.0 * np.exp(-900 * after) * np.sin(2 * np.pi * hz * after) + 0.3 * noise(seed))


def row(day: float, point: str, samples: np.ndarray) -> dict[str, object]:
    time, wave = INSTALLED + dt.timedelta(days=day), samples.astype("<f4").tobytes()
    return {
        "group": "area-1",
        "date": time.date(),
        "machine_id": "P1",
        "point_id": point,
        "source": "test",
        "time": time,
        "available_at": time,
        "revision": 0,
        "sample_rate_hz": RATE,
        "samples": len(samples),
        "speed_hz": SPEED,
        "quality": 2,
        "status": 192,
        "origin": "live",
        "wave": wave,
        "sha256": hashlib.sha256(wave).hexdigest(),
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Healthy days 1 to 5 ring at 1.5 kHz; run-in, the former part and the damage later ring at 3.2 kHz."""
    (tmp_path / "plant.yaml").write_text(PLANT, encoding="utf-8")
    rows = [row(day, "vib", ringing(1500.0, i)) for i, day in enumerate((1.5, 2.5, 3.5, 4.5))]
    rows += [row(day, "vib", ringing(3200.0, 10 + i)) for i, day in enumerate((-3, -2, -1, 0.5, 7, 8, 9, 10, 11))]
    rows += [row(day, "quiet", noise(30 + i)) for i, day in enumerate((1.5, 2.5, 3.5))]
    Lake(tmp_path / "lake").append(WAVEFORMS, WAVEFORMS.frame(rows), writer="ingest")
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str]:
    base = ["envelope-band", "--plant", str(home / "plant.yaml"), "--lake", str(home / "lake")]
    result = CliRunner().invoke(app, [*base, *words])
    return result.exit_code, result.output


def test_the_ring_of_healthy_time_is_proposed_and_noise_gets_no_band(home: Path) -> None:
    code, text = run(home, "P1", "--json")
    assert code == 0
    vib, quiet = json.loads(text)["points"]
    low, high = vib["band_hz"]
    assert low < 1500.0 < high
    assert (vib["snapshots"], vib["agreement"]) == (4, 1.0)
    assert vib["first"] == "2025-03-02T12:00:00+00:00"
    assert quiet["band_hz"] is None
    assert "keep the default" in quiet["reason"]


def test_another_time_may_be_named(home: Path) -> None:
    _, text = run(home, "P1", "--since", "2025-03-07T00:00:00+00:00", "--json")
    vib, quiet = json.loads(text)["points"]
    assert vib["band_hz"][0] < 3200.0 < vib["band_hz"][1]
    assert (quiet["band_hz"], quiet["snapshots"]) == (None, 0)
    assert "no good waveform" in run(home, "P1", "--since", "2025-03-07T00:00:00+00:00")[1]
    _, text = run(home, "P1", "--until", "2025-03-03T00:00:00+00:00", "--json")
    low, high = json.loads(text)["points"][0]["band_hz"]
    assert low < 3200.0 < high


def test_the_lines_to_paste_are_valid_in_the_plant_file(home: Path) -> None:
    _, text = run(home, "P1", "--json")
    pasted = {point["id"]: point for point in yaml.safe_load(json.loads(text)["yaml"])["measuring_points"]}
    document = yaml.safe_load(PLANT)
    points = document["sites"][0]["machines"][0]["measuring_points"]
    for point in points:
        point.update(pasted.get(point["id"], {}))
    Plant.model_validate(document)
    assert points[0]["envelope_band_hz"] == json.loads(text)["points"][0]["band_hz"]
    assert "envelope_band_hz" not in points[1]


def test_people_see_a_kurtogram_with_the_band_in_brackets(home: Path) -> None:
    code, text = run(home, "P1")
    assert code == 0
    assert any("[" in line and "]" in line and "|" in line for line in text.splitlines())
    assert "100% of the snapshots agree" in text
    assert "envelope_band_hz: [" in text


def test_files_will_do_without_a_plant(tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", np.stack([ringing(2500.0, 1), ringing(2500.0, 2)]))
    one = tmp_path / "one.csv"
    one.write_text("acceleration\n" + "\n".join(f"{value:.6e}" for value in ringing(2500.0, 3)), encoding="utf-8")
    code, text = run(
        tmp_path, "--file", str(tmp_path / "many.npy"), "--file", str(one), "--sample-rate", "8192", "--json"
    )
    assert code == 0, text
    (found,) = json.loads(text)["points"]
    assert (found["point"], found["snapshots"]) == ("many", 3)
    assert found["band_hz"][0] < 2500.0 < found["band_hz"][1]


def test_a_band_is_wide_enough_for_the_lines_that_are_looked_for() -> None:
    waves = np.stack([ringing(1500.0, seed) for seed in range(4)])
    found = propose(waves, RATE, least_width_hz=900.0)
    assert found.band_hz is not None
    assert found.band_hz[1] - found.band_hz[0] >= 900.0
    assert found.band_hz[0] > 0.0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name a machine"),
        (("P9",), "P1"),
        (("P1", "--since", "2030-01-01T00:00:00+00:00"), "P1/vib: no good waveform"),
        (("P1", "--since", "2025-03-01"), "time zone"),
        (("--file", "FILE"), "--sample-rate"),
        (("--file", "FILE", "--sample-rate", "8192"), "FILE"),
    ],
)
def test_what_is_wrong_is_told(home: Path, words: tuple[str, ...], told: str) -> None:
    (home / "FILE").write_text("1.0\nnan\n", encoding="utf-8")
    code, text = run(home, *(str(home / word) if word == "FILE" else word for word in words))
    assert code == 2
    assert told in text


def test_snapshots_of_two_lengths_or_too_short_ones_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(100))
    np.save(tmp_path / "b.npy", np.ones(200))
    with pytest.raises(UnfitError, match="one length"):
        read_snapshots([tmp_path / "a.npy", tmp_path / "b.npy"])
    with pytest.raises(UnfitError, match="too few"):
        propose(read_snapshots([tmp_path / "a.npy"]), RATE)


def test_constant_snapshots_have_no_band() -> None:
    assert propose(np.ones((3, 8192)), RATE).band_hz is None


def test_an_unknown_installation_takes_the_first_stretch(home: Path) -> None:
    text = (home / "plant.yaml").read_text(encoding="utf-8").replace(', installed: "2025-03-01T00:00:00Z"', "")
    (home / "plant.yaml").write_text(text, encoding="utf-8")
    assert read_plant(home / "plant.yaml").machines[0].components[0].installed is None
    _, told = run(home, "P1", "--json")
    assert json.loads(told)["points"][0]["first"] == "2025-02-26T00:00:00+00:00"
