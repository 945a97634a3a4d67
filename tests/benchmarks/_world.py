"""The fleet as training sets, feature rows, a plant and contenders."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.tables import FEATURE_ROWS
from features.core.units import Quantity
from pipelines.champion import Contender
from pipelines.dataset import Life, TrainingSet
from pipelines.model import FitParameters, fit
from pipelines.splits import grouped_folds
from pipelines.training.held_out import held_out
from tests.benchmarks._leaks import Leak
from tests.benchmarks._wear import BEGIN, DAY, STEP, Lived, Series, causal, fleet

__all__ = ["MEMORY", "NOW", "RETRAINED", "TRAINED", "World", "contender", "plant_of", "world"]

MEMORY = dt.timedelta(days=3)
FINGERPRINT = "0123456789abcdef"
# Moments of the champion's training, of the honest retraining, and of the judgement.
TRAINED, RETRAINED, NOW = BEGIN + 62 * DAY, BEGIN + 80 * DAY, BEGIN + 96 * DAY


@dataclass(frozen=True, slots=True)
class World:
    """A fleet, and the features of each of its lives, a leaking one among them where there is one."""

    lives: tuple[Lived, ...]
    features: dict[str, Series]
    leak: tuple[str, Leak] | None = None
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(next(iter(self.features.values())))

    def known(self, as_of: dt.datetime) -> TrainingSet:
        """What could be learnt from at a moment."""
        parts: dict[str, list[npt.NDArray[np.generic]]] = {}
        summary = []
        for life in self.lives:
            n = life.steps(as_of)
            if n == 0:
                continue
            over = n == len(life.raw)
            failed = over and life.failed
            left = np.arange(n)[::-1].astype(np.float64)
            nothing = np.full(n, np.nan)
            table = np.stack([self.features[life.unit][name][:n] for name in self.names], axis=1)
            row = {
                "x": table,
                "rul": left if failed else nothing,
                "survived": nothing if failed else left,
                "age": np.arange(1.0, n + 1),
                "unit": np.full(n, life.unit),
                "machine": np.full(n, life.machine),
                "time_us": _times(life, n),
            }
            for name, values in row.items():
                parts.setdefault(name, []).append(values)
            ending = "failure" if failed else "suspension" if over else "running"
            summary.append(Life(life.unit, life.machine, "DE", ending, 1.0, float(n)))
        columns = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        return TrainingSet(  # columns are of the types that their names have
            component_class="bearing",
            life_unit="cycle",
            fingerprint=FINGERPRINT,
            names=self.names,
            declared_cap=90.0,
            lives=tuple(summary),
            as_of=as_of,
            table_versions={},
            **columns,
        )

    def rows(self, units: Collection[str], fingerprint: str) -> pl.DataFrame:
        """Feature rows of some lives as a frame of table `feature_rows`, with their life."""
        frames = [self._frame(life) for life in self.lives if life.unit in set(units)]
        return pl.concat(frames) if frames else FEATURE_ROWS.empty().with_columns(unit=pl.lit("", pl.String))

    def _frame(self, life: Lived) -> pl.DataFrame:
        if life.unit not in self.frames:
            self.frames[life.unit] = self._made(life)
        return self.frames[life.unit]

    def _made(self, life: Lived) -> pl.DataFrame:
        n = life.steps(NOW)
        time_ = pl.Series(_times(life, n)).cast(pl.Datetime("us", "UTC"))
        table = np.stack([self.features[life.unit][name][:n] for name in self.names], axis=1)
        frame = pl.DataFrame(
            {
                "group": ["area"] * n,
                "date": time_.dt.date(),
                "machine_id": [life.machine] * n,
                "slot": ["DE"] * n,
                "component_class": ["bearing"] * n,
                "fingerprint": [FINGERPRINT] * n,
                "time": time_,
                "available_at": time_,
                "running": [True] * n,
                "age": np.arange(1.0, n + 1),
                "age_known": [True] * n,
                "values": table,
                "refusals": pl.Series([[]] * n, dtype=pl.List(pl.String)),
            }
        ).with_columns(pl.col("values").cast(pl.List(pl.Float64)).list.eval(pl.element().fill_nan(None)))
        return FEATURE_ROWS.check(frame).with_columns(unit=pl.lit(life.unit))

    def remake(self, row: Mapping[str, object]) -> Mapping[str, float | None]:
        """Features of one row from what had been read by then."""
        life = next(
            one
            for one in self.lives
            if one.machine == row["machine_id"] and 0 < _step(row["time"]) - one.first <= len(one.raw)
        )
        read = life.raw[: _step(row["time"]) - life.first]
        made = causal(read)
        if self.leak is not None:
            made[self.leak[0]] = self.leak[1](read, np.random.default_rng(len(life.unit)))
        return {name: _or_none(values[-1]) for name, values in made.items()}


def _times(life: Lived, n: int) -> npt.NDArray[np.int64]:
    first = (BEGIN - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    return first + (life.first + np.arange(1, n + 1)) * (STEP // dt.timedelta(microseconds=1))


def _step(moment: object) -> int:
    assert isinstance(moment, dt.datetime)
    return (moment - BEGIN) // STEP


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def world(machines: int, seed: int, leak: tuple[str, Leak] | None = None) -> World:
    """A fleet with its features, and a leaking one where asked for."""
    lives = tuple(fleet(machines, seed))
    features = {life.unit: causal(life.raw) for life in lives}
    if leak is not None:
        for life in lives:
            features[life.unit][leak[0]] = leak[1](life.raw, np.random.default_rng(len(life.unit)))
    return World(lives, features, leak)


def contender(
    data: TrainingSet, parameters: FitParameters, version: str, champion: Contender | None = None
) -> Contender:
    """A candidate as a training makes it; machines stay in the champion's folds."""
    kept: dict[str, int] = {}
    if champion is not None and champion.held_out is not None:
        kept = {unit.split("/")[0]: fold for unit, fold in champion.held_out.folds.items()}
    fold = grouped_folds(data.machine, parameters.folds, kept)
    fitted = fit(data, parameters, fold=fold, name="m", baseline_rows=10, as_of=data.as_of, table_versions={})
    return Contender("m", version, fitted.artefact, held_out(data, fitted))


def plant_of(machines: int) -> Plant:
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    made = tuple(
        Machine(
            id=f"M{i:02d}",
            grid=STEP,
            components=(Component(slot="DE", component_class="bearing"),),
            measuring_points=(point,),
        )
        for i in range(machines)
    )
    bearing = ComponentClass(id="bearing", life_unit="cycle", rul_cap=90.0)
    return Plant(component_classes=(bearing,), sites=(Site(id="works", machines=made),))
