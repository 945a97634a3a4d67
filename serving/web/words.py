"""How values are told to people: local time, display units, states and reasons in plain words."""

import datetime as dt
import math
import re
from dataclasses import dataclass

from features.core.clock import zone
from features.core.statements import (
    PAST_LIFE,
    Action,
    Evidence,
    HealthState,
    Prediction,
    Refusal,
    RefusalReason,
    Rung,
)
from features.registry.words import fault_words, feature_words, life_unit_words

__all__ = [
    "StateWord",
    "action_word",
    "amount",
    "evidence_sentence",
    "figure",
    "in_site_words",
    "local_day",
    "local_time",
    "one_line",
    "quantity",
    "reason_words",
    "rung_words",
    "since",
    "state_word",
]


@dataclass(frozen=True, slots=True)
class StateWord:
    """A state as NAMUR NE 107 shows it: a word, a letter, and the name of its colour and shape."""

    word: str
    letter: str
    style: str


_STATES = {
    HealthState.NORMAL: StateWord("Normal", "", "normal"),
    HealthState.FAILURE: StateWord("Failure", "F", "failure"),
    HealthState.CHECK_FUNCTION: StateWord("Function check", "C", "check"),
    HealthState.OFF_SPEC: StateWord("Out of specification", "S", "offspec"),
    HealthState.MAINTENANCE_REQUIRED: StateWord("Maintenance required", "M", "maintenance"),
}
_UNKNOWN = StateWord("Not judged", "?", "unknown")

_REASONS = {
    RefusalReason.NO_MODEL: "No model has been trained for this kind of component yet.",
    RefusalReason.FINGERPRINT_MISMATCH: "The model was trained on other features than are computed now.",
    RefusalReason.TOO_FEW_WINDOWS: "Too few measurements since installation to say anything yet.",
    RefusalReason.STALE_DATA: "The newest measurements are too old.",
    RefusalReason.NO_LIFE: "It is not known when the present part was installed.",
    RefusalReason.OUT_OF_DOMAIN: "The machine runs outside what the model has seen in training.",
    RefusalReason.SENSOR_FAULT: "A sensor does not measure reliably.",
    RefusalReason.MISSING_INPUT: "A measurement that the model needs is missing.",
    RefusalReason.MACHINE_STOPPED: "The machine stands still.",
}

_RUNGS = {
    Rung.CALIBRATED_RUL: "Calibrated remaining life",
    Rung.UNCALIBRATED_RUL: "Remaining life, band not calibrated",
    Rung.TRANSFER: "Remaining life of few lives at the same stage, no band",
    Rung.CLASS_PRIOR: "Age and the usual life of its class, no measurement",
    Rung.CONDITION: "Condition against its own healthy time",
    Rung.PHYSICS: "Spectrum and geometry, nothing learnt",
    Rung.LIMITS: "Limits and ISO zones, nothing learnt",
    Rung.NONE: "No evidence",
}

# What limits say when they are exceeded.
_BROKEN = ("zone C", "zone D", "warning", "alarm")

# How texts from below name a moment.
_UTC = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC")

# 0 degrees Celsius in kelvin (BIPM, SI brochure, 9th edition, 2.3.1).
ZERO_CELSIUS_K = 273.15


def state_word(state: HealthState | None) -> StateWord:
    """The state's word; None: nobody could judge."""
    return _UNKNOWN if state is None else _STATES[state]


def reason_words(statement: Refusal) -> str:
    """Why there is no number, in one sentence."""
    return _REASONS[statement.reason]


def rung_words(rung: Rung) -> str:
    """What a statement stands on."""
    return _RUNGS[rung]


def action_word(action: Action) -> str:
    """What a recommendation asks for.

    Example:
        >>> action_word(Action.REPLACE)
        'Replace'
    """
    return action.value.capitalize()


def amount(value: float | None, life_unit: str) -> str:
    """Remaining life with its unit, to three significant figures; none: a dash.

    Example:
        >>> amount(412.37, "running_h"), amount(1.0, "cycle"), amount(None, "cycle")
        ('412 running hours', '1 cycle', '–')
    """
    if value is None:
        return "–"
    told = figure(value)
    return f"{told} {life_unit_words(life_unit, is_one=told == '1')}"


def figure(value: float | None) -> str:
    """A number to three significant figures, integers in full; none or not finite: a dash.

    Example:
        >>> figure(0.012345), figure(98765.4), figure(None)
        ('0.0123', '98,765', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0.0:
        return "0"
    if abs(value) >= 100.0:
        return f"{value:,.0f}"
    decimals = min(6, max(0, 2 - math.floor(math.log10(abs(value)))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def local_time(moment: dt.datetime | None, time_zone: str) -> str:
    """Local wall-clock time of a site, to the minute, with its zone.

    Example:
        >>> local_time(dt.datetime(2026, 7, 1, 10, 0, tzinfo=dt.UTC), "Europe/Berlin")
        '1 Jul 2026, 12:00 CEST'
    """
    if moment is None:
        return "–"
    local = moment.astimezone(zone(time_zone))
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def local_day(moment: dt.datetime | None, time_zone: str) -> str:
    """Local day of a site; the zone is told beside the table."""
    if moment is None:
        return "–"
    local = moment.astimezone(zone(time_zone))
    return f"{local.day} {local:%b %Y}"


def in_site_words(text: str, time_zone: str) -> str:
    """A text from below as the site reads it: moments in its time, degrees as people write them.

    Example:
        >>> in_site_words("limit of 85 degC; waveforms until 2026-07-01 10:00 UTC", "Europe/Berlin")
        'limit of 85 °C; waveforms until 1 Jul 2026, 12:00 CEST'
    """

    def local(found: re.Match[str]) -> str:
        moment = dt.datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=dt.UTC)
        return local_time(moment, time_zone)

    return _UTC.sub(local, text).replace("degC", "°C")


def since(then: dt.datetime | None, now: dt.datetime) -> str:
    """How long ago, in the largest unit that says enough.

    Example:
        >>> now = dt.datetime(2026, 1, 3, tzinfo=dt.UTC)
        >>> since(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), now), since(now, now), since(None, now)
        ('2 days ago', 'just now', 'never')
    """
    if then is None:
        return "never"
    minutes = (now - then).total_seconds() / 60.0
    if minutes < 0:
        return f"in {_span(-minutes)}"
    return "just now" if minutes < 1.0 else f"{_span(minutes)} ago"


def _span(minutes: float) -> str:
    for size, word in ((2880.0, "day"), (120.0, "hour"), (1.0, "minute")):
        if minutes >= size:
            count = round(minutes / {"day": 1440.0, "hour": 60.0, "minute": 1.0}[word])
            return f"{count} {word}{'' if count == 1 else 's'}"
    return "less than a minute"


def quantity(feature: str, value: float | None, unit: str) -> str:
    """A feature's value in the unit in which people read it; none: a dash.

    Example:
        >>> quantity("winding_temperature.level_k", 353.15, "K"), quantity("vibration_h.rms_m_s2", 4.0, "m/s^2")
        ('80 °C', '4 m/s²')
    """
    if value is None or not math.isfinite(value):
        return "–"
    parts = feature.split(".")
    if unit == "K" and len(parts) > 1 and parts[1] == "level_k" and all(p.startswith("mean_") for p in parts[2:]):
        return f"{figure(value - ZERO_CELSIUS_K)} °C"
    text = "" if unit == "1" else " " + unit.replace("^2", "²").replace("^3", "³")
    return figure(value) + text


def evidence_sentence(evidence: Evidence) -> str:
    """One reason in one line.

    Example:
        >>> evidence_sentence(Evidence("vibration_h.rms_m_s2", 6.0, 2.0, "m/s^2"))
        'Vibration, horizontal: RMS 6 m/s², 3 times its reference of 2 m/s²'
    """
    feature, value, reference, unit = evidence.feature, evidence.value, evidence.reference, evidence.unit
    if evidence.rung is Rung.CLASS_PRIOR or feature == PAST_LIFE:
        return evidence.note[:1].upper() + evidence.note[1:]
    if evidence.rung is Rung.PHYSICS:
        return f"Spectrum: {fault_words(evidence.verdict)}"
    if evidence.rung is Rung.LIMITS:
        return f"{feature_words(feature)} {quantity(feature, value, unit)}, {evidence.verdict}"
    told = f"{feature_words(feature)} {quantity(feature, value, unit)}"
    if reference is None or not math.isfinite(reference):
        return told
    against = quantity(feature, reference, unit)
    if reference > 0.0 and value / reference >= 1.05 and unit != "K":
        return f"{told}, {figure(value / reference)} times its reference of {against}"
    return f"{told}, reference {against}"


def one_line(statement: Prediction | Refusal) -> str:
    """The strongest reason of a statement, a named fault with the limit it broke; empty when it gives none."""
    told = statement.evidence[:1]
    if told and told[0].rung is Rung.PHYSICS:
        broken = (item for item in statement.evidence if item.rung is Rung.LIMITS and item.verdict in _BROKEN)
        told += tuple(broken)[:1]
    return "; ".join(evidence_sentence(item) for item in told)
