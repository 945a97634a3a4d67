"""Diagnosis from physics alone on the CWRU bearing data: right, wrong and unknown, and how firm that is.

Right: the named fault is the seeded one. Wrong: another fault is named, or a healthy record gets one.
Unknown is neither; damaged records that are called normal are counted by themselves. Only faults of the
drive-end bearing and normal records count, with the drive-end accelerometer and the nominal speed. Nothing
is learnt and no record has settings of its own.

Three tables say how firm that is: each limit moved alone, the speed given wrongly, and bearings that play no
part in the figures: the fan end's by its own accelerometer, and at either end the bearing that is in order while
the other one is damaged.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import polars as pl

from features.core.plant import FaultOrders, fault_orders
from features.core.plant.bearings import catalogue
from features.diagnosis import BearingLimits, Fault, Geometry, Recording, diagnose
from features.diagnosis.bearing import bearing_evidence, highest_bearing_order
from features.diagnosis.envelope import envelope_spectra
from features.registry import FeatureRefusal
from tests.benchmarks._computer import describe_computer

SAMPLE_RATE_HZ = 12_000.0
BEARING, FAN_BEARING = "6205-2RS", "6203-2RS"
TRUTH = {"normal": Fault.NORMAL, "IR": Fault.INNER_RACE, "OR": Fault.OUTER_RACE, "B": Fault.BALL}
STANDARD_GRAVITY = 9.80665  # m/s^2
# Given speed over nominal speed.
SPEED_ERRORS = (0.96, 0.97, 0.98, 1.02, 1.03, 1.04)
# Values that each limit is tried at while the others keep theirs.
TRIED = {
    "naming_db": (6.0, 8.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 20.0, 22.0, 24.0),
    "second_db": (0.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0),
    "part_db": (0.0, 2.0, 4.0, 6.0, 8.0, 10.0),
    "ambiguous_db": (0.0, 1.0, 3.0, 5.0, 7.0),
    "slip": (0.005, 0.0075, 0.01, 0.015, 0.02, 0.0225, 0.025, 0.03),
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the data set: what was seeded, and its signal."""

    name: str
    load_hp: int
    truth: Fault
    recording: Recording


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said about a record."""

    record: Record
    said: Fault
    margin_db: float
    reason: str

    @property
    def outcome(self) -> str:
        """`right`, `wrong`, `unknown`, or `missed` when a damaged bearing is called normal."""
        if self.said is self.record.truth:
            return "right"
        return {Fault.UNKNOWN: "unknown", Fault.NORMAL: "missed"}.get(self.said, "wrong")


def read_records(folder: Path, end: str = "DE", fault_end: str = "DE") -> Iterator[Record]:
    """Records of all `cwru_load*.parquet` files of a folder, at one end, with faults at one end.

    The normal ones come with each fault end; a bearing whose neighbour is damaged is in order itself.
    """
    for file in sorted(folder.glob("cwru_load*.parquet")):
        rows = pl.read_parquet(file).filter((pl.col("fault_end") == fault_end) | (pl.col("fault") == "normal"))
        for row in rows.filter(pl.col(f"{end.lower()}_counts").is_not_null()).iter_rows(named=True):
            scale = row[f"{end.lower()}_scale_g"] * STANDARD_GRAVITY
            samples = np.asarray(row[f"{end.lower()}_counts"], dtype=np.float64) * scale
            recording = Recording(end, samples, SAMPLE_RATE_HZ, row["rpm"] / 60.0)
            truth = TRUTH[row["fault"]] if end == fault_end else Fault.NORMAL
            yield Record(row["record"], row["load_hp"], truth, recording)


def judge(record: Record, orders: FaultOrders, limits: BearingLimits) -> Verdict:
    """The diagnosis of one record; a refusal counts as unknown."""
    said = diagnose([record.recording], Geometry(orders=orders), limits=limits)
    if isinstance(said, FeatureRefusal):
        return Verdict(record, Fault.UNKNOWN, 0.0, f"refused: {said.value}")
    return Verdict(record, said.fault, said.margin_db, said.reason)


def counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Figures over some records."""
    races = [v for v in verdicts if v.record.truth in (Fault.INNER_RACE, Fault.OUTER_RACE)]
    return {
        "right_inner_outer": sum(v.outcome == "right" for v in races),
        "records_inner_outer": len(races),
        "right_all": sum(v.outcome == "right" for v in verdicts),
        "wrong_all": sum(v.outcome == "wrong" for v in verdicts),
        "unknown_all": sum(v.outcome == "unknown" for v in verdicts),
        "damaged_called_normal": sum(v.outcome == "missed" for v in verdicts),
        "normal_called_fault": sum(v.record.truth is Fault.NORMAL and v.outcome == "wrong" for v in verdicts),
        "records": len(verdicts),
    }


def confusion(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    """One row per seeded fault, one column per fault that was said."""
    said = [*dict.fromkeys(TRUTH.values()), *sorted({v.said for v in verdicts} - set(TRUTH.values()))]
    return [
        {"seeded": truth.value}
        | {fault.value: sum(v.record.truth is truth and v.said is fault for v in verdicts) for fault in said}
        for truth in dict.fromkeys(TRUTH.values())
    ]


def plateau(records: Sequence[Record], orders: FaultOrders) -> list[dict[str, object]]:
    """Figures of each load at other values of each limit, one limit at a time; bearing faults only."""
    highest = highest_bearing_order(orders)
    spectra = {record.name: envelope_spectra([record.recording], highest) for record in records}

    def said(record: Record, limits: BearingLimits) -> Verdict:
        speed = record.recording.speed_hz or 0.0
        found = bearing_evidence(spectra[record.name], orders, point="", speed_hz=speed, limits=limits)
        named = found.findings and not found.is_ambiguous
        return Verdict(record, found.findings[0].fault if named else Fault.UNKNOWN, 0.0, "")

    rows: list[dict[str, object]] = []
    for limit, values in TRIED.items():
        for value in values:
            verdicts = [said(record, replace(BearingLimits(), **{limit: value})) for record in records]
            for load in sorted({record.load_hp for record in records}):
                found = counts([v for v in verdicts if v.record.load_hp == load])
                kept = ("right_inner_outer", "right_all", "wrong_all", "records")
                rows.append({"limit": limit, "value": value, "load_hp": load} | {key: found[key] for key in kept})
    return rows


def wrong_speeds(records: Sequence[Record], orders: FaultOrders) -> list[dict[str, object]]:
    """Figures when every record comes with a speed that is off by so much."""
    rows: list[dict[str, object]] = []
    for share in SPEED_ERRORS:
        off = [
            replace(each, recording=replace(each.recording, speed_hz=share * (each.recording.speed_hz or 0.0)))
            for each in records
        ]
        found = counts([judge(each, orders, BearingLimits()) for each in off])
        row: dict[str, object] = {"given_over_nominal": share}
        rows.append(row | {key: found[key] for key in ("right_inner_outer", "wrong_all")})
    return rows


def other_bearings(folder: Path) -> list[dict[str, object]]:
    """The same method at bearings that play no part in the figures."""
    rows: list[dict[str, object]] = []
    for end, fault_end in (("FE", "FE"), ("DE", "FE"), ("FE", "DE")):
        orders = fault_orders(catalogue()[BEARING if end == "DE" else FAN_BEARING])
        found = [judge(each, orders, BearingLimits()) for each in read_records(folder, end, fault_end)]
        row: dict[str, object] = {"accelerometer_and_bearing": end, "damaged_end": fault_end}
        rows.append(row | counts(found))
    return rows


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder with cwru_load*.parquet.")
    parser.add_argument("--json", action="store_true", help="One JSON object and nothing else.")
    options = parser.parse_args()
    begin = time.perf_counter()
    orders = fault_orders(catalogue()[BEARING])
    records = list(read_records(options.data))
    if not records:
        parser.error(f"no cwru_load*.parquet with drive-end or normal records in {options.data}")
    verdicts = [judge(record, orders, BearingLimits()) for record in records]
    loads = sorted({record.load_hp for record in records})
    missed = [v for v in verdicts if v.outcome != "right"]
    tables: dict[str, object] = {
        "confusion": confusion(verdicts),
        "misses": [
            {"record": v.record.name, "seeded": v.record.truth.value, "said": v.said.value, "why": v.reason}
            for v in missed
        ],
        "loads": [{"load_hp": n} | counts([v for v in verdicts if v.record.load_hp == n]) for n in loads],
        "smallest_margin_db": [
            {"fault": fault.value, "margin_db": round(min(margins), 1)}
            for fault in TRUTH.values()
            if (margins := [v.margin_db for v in verdicts if v.outcome == "right" and v.said is fault])
        ],
    }
    tables["plateau"] = plateau(records, orders)
    tables["wrong_speed"] = wrong_speeds(records, orders)
    tables["other_bearings"] = other_bearings(options.data)
    report = {
        "benchmark": "diagnosis",
        "machine": describe_computer("numpy", "scipy", "polars"),
        "settings": {"bearing": BEARING, "point": "drive end", "loads": loads} | asdict(BearingLimits()),
        "figures": counts(verdicts) | {"seconds": round(time.perf_counter() - begin, 1)},
        "tables": tables,
    }
    print(json.dumps(report) if options.json else json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
