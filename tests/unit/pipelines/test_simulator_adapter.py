"""The simulator as a historian: same bytes always, nothing beyond the clock."""

import datetime as dt
import hashlib
from pathlib import Path

import polars as pl
import pytest

from features.core.clock import DemoClock
from features.core.errors import ConfigError
from pipelines.historian import open_historian
from pipelines.historian.simulator import Simulator, SimulatorConfig, read_config
from pipelines.settings import SourceSettings

FILE = Path(__file__).parents[3] / "data" / "simulator" / "tiny.yaml"
CONFIG = read_config(FILE)
DAY = dt.timedelta(days=1)


def open_at(moment: dt.datetime, config: SimulatorConfig = CONFIG) -> Simulator:
    return Simulator("simulator", config, DemoClock(moment))


def read(
    simulator: Simulator, start: dt.datetime, end: dt.datetime, page_rows: int = 100_000
) -> tuple[pl.DataFrame, str]:
    """All rows, sorted, and a digest of all waveforms."""
    pages = list(simulator.read([info.tag for info in simulator.tags()], start, end, page_rows))
    digest = hashlib.sha256()
    for page in pages:
        for wave in page.waveforms:
            digest.update(f"{wave.tag}{wave.time}{wave.speed_hz}{wave.quality}".encode() + wave.samples.tobytes())
    return pl.concat([page.rows for page in pages]).sort("tag", "time"), digest.hexdigest()


def test_same_seed_gives_same_bytes() -> None:
    first = read(open_at(CONFIG.end), CONFIG.start, CONFIG.end)
    second = read(open_at(CONFIG.end), CONFIG.start, CONFIG.end)

    assert first[0].equals(second[0])
    assert first[1] == second[1]


def test_another_seed_gives_another_plant() -> None:
    other = CONFIG.model_copy(update={"seed": CONFIG.seed + 1})
    end = CONFIG.start + 5 * DAY

    assert not read(open_at(end), CONFIG.start, end)[0].equals(read(open_at(end, other), CONFIG.start, end)[0])


def test_pages_and_order_of_reading_change_nothing() -> None:
    end = CONFIG.start + 20 * DAY
    whole = read(open_at(CONFIG.end), CONFIG.start, end)
    cut = open_at(CONFIG.end)
    later, _ = read(cut, CONFIG.start + 10 * DAY, end, page_rows=700)
    earlier, _ = read(cut, CONFIG.start, CONFIG.start + 10 * DAY, page_rows=61)

    assert pl.concat([earlier, later]).sort("tag", "time").equals(whole[0])
    assert read(cut, CONFIG.start, end, page_rows=333)[1] == whole[1]


def test_simulating_further_leaves_the_past_as_it_was() -> None:
    end = CONFIG.start + 30 * DAY
    far = open_at(CONFIG.start + 500 * DAY)
    list(far.read(["P101.LOAD"], CONFIG.start, CONFIG.start + 500 * DAY, 100_000))

    rows, waves = read(far, CONFIG.start, end)
    near_rows, near_waves = read(open_at(CONFIG.end), CONFIG.start, end)

    assert rows.equals(near_rows)
    assert waves == near_waves


def test_nothing_is_delivered_from_after_the_clock() -> None:
    now = CONFIG.start + 9 * DAY + dt.timedelta(hours=7, minutes=20)
    pages = list(open_at(now).read(["P101.SPEED", "P101.VIBRATION_H"], CONFIG.start, CONFIG.end, 100))
    latest = pl.concat([page.rows for page in pages]).get_column("time").max()

    assert isinstance(latest, dt.datetime)
    assert now - dt.timedelta(hours=8) < latest < now
    assert all(wave.time < now for page in pages for wave in page.waveforms)
    assert pages[-1].until == now


def test_a_late_row_appears_within_the_declared_lag() -> None:
    vices = CONFIG.vices.model_copy(update={"late_share": 0.8, "gaps_per_year": 0.0, "compressed_share": 0.0})
    config, now = CONFIG.model_copy(update={"vices": vices}), CONFIG.start + 10 * DAY
    simulator = open_at(now, config)
    settled = now - simulator.lag
    complete, _ = read(open_at(CONFIG.end, config), CONFIG.start, now)
    seen, _ = read(simulator, CONFIG.start, now)

    assert seen.filter(pl.col("time") < settled).equals(complete.filter(pl.col("time") < settled))
    assert seen.height < complete.height


def test_some_rows_come_late_and_out_of_order() -> None:
    pages = list(open_at(CONFIG.end).read(["P101.LOAD"], CONFIG.start, CONFIG.end, 100_000))
    assert not pages[0].rows.get_column("time").is_sorted()


def test_vices_give_text_impossible_values_and_bad_quality() -> None:
    rows, _ = read(open_at(CONFIG.end), CONFIG.start, CONFIG.end)

    assert rows.filter(pl.col("text").is_not_null(), pl.col("value").is_not_null()).is_empty()
    assert rows.get_column("text").drop_nulls().len() > 0
    assert rows.filter(pl.col("value").abs() == 9999.0).height > 0
    assert set(rows.get_column("quality").unique()) == {0, 1, 2}


def test_the_registry_opens_it_by_its_keys() -> None:
    clock = DemoClock(CONFIG.end)
    settings = SourceSettings.model_validate({"kind": "simulator", "config": str(FILE)})
    assert CONFIG.sha256[:12] in open_historian("sim", settings, clock).check()

    wrong = SourceSettings.model_validate({"kind": "simulator", "config": str(FILE), "confg": "x"})
    with pytest.raises(ConfigError, match="confg"):
        open_historian("sim", wrong, clock)
    with pytest.raises(ConfigError, match="did you mean 'simulator'"):
        open_historian("sim", SourceSettings(kind="simulatr"), clock)


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        open_at(CONFIG.end).read(["P101.LOAD"], CONFIG.end, CONFIG.start, 100)
