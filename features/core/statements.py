"""What Wearcast says about a component: values that travel between the two sides and to people."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "PAST_LIFE",
    "Action",
    "EventKind",
    "Evidence",
    "HealthState",
    "MaintenanceEvent",
    "Origin",
    "Outcome",
    "Prediction",
    "Quality",
    "Recommendation",
    "Refusal",
    "RefusalReason",
    "Rung",
    "named_fault",
    "order_key",
]


# Name of the evidence that a past life is.
PAST_LIFE = "past_life"


class Quality(StrEnum):
    """Quality of one measurement, as OPC UA groups it (Part 4, 7.39: severity bits)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


class Origin(StrEnum):
    """How a row reached the lake: as it happened, or read later."""

    LIVE = "live"
    BACKFILL = "backfill"


class HealthState(StrEnum):
    """State of a component or sensor in the words of NAMUR NE 107."""

    NORMAL = "normal"
    FAILURE = "failure"
    CHECK_FUNCTION = "check_function"
    OFF_SPEC = "off_spec"
    MAINTENANCE_REQUIRED = "maintenance_required"


class EventKind(StrEnum):
    """What happened to a component, as far as its life is concerned."""

    INSTALLATION = "installation"
    FAILURE = "failure"
    REPLACEMENT = "replacement"
    INSPECTION = "inspection"
    MACHINE_SWAP = "machine_swap"


class Outcome(StrEnum):
    """What a closed order found."""

    CONFIRMED_FAILURE = "confirmed_failure"
    INCIPIENT_FAULT = "incipient_fault"
    PREVENTIVE_REPLACEMENT = "preventive_replacement"
    NO_FAULT_FOUND = "no_fault_found"
    SENSOR_FAULT = "sensor_fault"
    DUPLICATE = "duplicate"
    DEFERRED = "deferred"
    CANCELLED = "cancelled"


class Rung(StrEnum):
    """What the evidence stands on, best first."""

    CALIBRATED_RUL = "calibrated_rul"
    UNCALIBRATED_RUL = "uncalibrated_rul"
    TRANSFER = "transfer"
    CLASS_PRIOR = "class_prior"
    CONDITION = "condition"
    PHYSICS = "physics"
    LIMITS = "limits"
    NONE = "none"


class RefusalReason(StrEnum):
    """Why there is no number."""

    NO_MODEL = "no_model"
    FINGERPRINT_MISMATCH = "fingerprint_mismatch"
    TOO_FEW_WINDOWS = "too_few_windows"
    STALE_DATA = "stale_data"
    NO_LIFE = "no_life"
    OUT_OF_DOMAIN = "out_of_domain"
    SENSOR_FAULT = "sensor_fault"
    MISSING_INPUT = "missing_input"
    MACHINE_STOPPED = "machine_stopped"


class Action(StrEnum):
    """What a recommendation asks for."""

    INSPECT = "inspect"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a statement: a feature, its value and its reference, in the feature's unit.

    Of limits and physics `rung` says which: a limit (`verdict`: `zone A` to `zone D`, `warning`, `alarm` or
    `within limits`) or physics (`verdict`: the fault, `unknown` or `normal`; on the first item the value is the
    margin in dB, on those after it the height of a line over its floor in dB, with `order` of the shaft speed and
    `frequency_hz`). `note` tells it in words. What the age alone says has the rung `class_prior` (`verdict`:
    `declared`, `fitted` or a failure mode). A past life that looked like this one (`feature` is `past_life`) has
    the rung of the number beside it: `value` is what was left of that life then, `verdict` how it ended
    (`failure`, a failure mode or `suspension`), `distance` how far off it is (0 alike, 1 as different as can be).
    Reasons of the other rungs leave all six empty.
    """

    feature: str
    value: float
    reference: float | None
    unit: str
    share: float | None = None
    rung: Rung | None = None
    verdict: str = ""
    note: str = ""
    order: float | None = None
    frequency_hz: float | None = None
    distance: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Remaining useful life of one component as of one moment.

    `p10`, `p50`, `p90` and `mean` are in `life_unit`. Not calibrated: `p10` and `p90` are None. On the rung
    `class_prior`, which looks at no measurement, `health_state` is None where nothing else could judge.
    """

    component_id: str
    as_of: dt.datetime
    data_time: dt.datetime
    life_number: int
    life_unit: str
    rung: Rung
    mean: float
    p10: float | None
    p50: float
    p90: float | None
    calibrated: bool
    calibration_units: int
    health_state: HealthState | None
    condition_index: float | None
    model_name: str
    model_version: str
    fingerprint: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def calibration(self) -> str:
        """`calibrated(n units)` or `not_calibrated(n units)`."""
        word = "calibrated" if self.calibrated else "not_calibrated"
        return f"{word}({self.calibration_units} units)"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no prediction; the condition may still be known from healthy time alone."""

    component_id: str
    as_of: dt.datetime
    reason: RefusalReason
    detail: str
    data_time: dt.datetime | None = None
    rung: Rung = Rung.NONE
    health_state: HealthState | None = None
    condition_index: float | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class MaintenanceEvent:
    """Something that happened to a component, as somebody recorded it.

    Key: (source, source_event_id, revision). A correction is a new revision, never an edit. `detected_at` is when
    what was found first showed, at or before `occurred_at`: from then on a sensor was wrong, a fault was there.
    """

    source: str
    source_event_id: str
    revision: int
    machine_id: str
    slot: str | None
    kind: EventKind
    outcome: Outcome | None
    failure_mode: str | None
    occurred_at: dt.datetime
    available_at: dt.datetime
    order_key: str | None = None
    text: str = ""
    raw: str = ""
    detected_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What should be done about one component, by when, and what it stands on.

    `failure_mode` is the family that an order is for, the same for all orders of the component; `fault` is what
    a diagnosis named, empty when it named none.
    """

    machine_id: str
    slot: str
    action: Action
    failure_mode: str
    priority: int
    reason: str
    as_of: dt.datetime
    due: dt.datetime
    window_id: str | None
    window_start: dt.datetime | None
    part_number: str | None
    cost_of_waiting: float | None
    currency: str
    rung: Rung
    p10_at: dt.datetime | None = None
    p50_at: dt.datetime | None = None
    p90_at: dt.datetime | None = None
    assumption: str = ""
    model_version: str = ""
    evidence: tuple[Evidence, ...] = field(default=())
    fault: str = ""


def named_fault(evidence: Iterable[Evidence]) -> Evidence | None:
    """The diagnosis among the evidence when it names a fault; its lines follow it there.

    Example:
        >>> found = Evidence("diagnosis.outer_race", 9.0, None, "dB", rung=Rung.PHYSICS, verdict="outer_race")
        >>> named_fault([found]) is found, named_fault([])
        (True, None)
    """
    diagnoses = (item for item in evidence if item.rung is Rung.PHYSICS and item.order is None)
    return next((item for item in diagnoses if item.verdict not in ("normal", "unknown")), None)


def order_key(site: str, machine_id: str, slot: str, failure_mode: str, episode: int) -> str:
    """The idempotency key of an order: `WC-` and 17 base32 characters, upper case, 20 in all.

    Example:
        >>> len(order_key("site", "P101", "DE-bearing", "bearing", 1))
        20
    """
    if episode < 1:
        raise ValueError(f"episodes count from 1, got {episode}")
    parts = (site, machine_id, slot, failure_mode, str(episode))
    if any("|" in part for part in parts):
        raise ValueError(f"'|' separates the parts of a key, none may hold it: {parts}")
    text = "|".join(parts)
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "WC-" + base64.b32encode(digest).decode("ascii")[:17]
