"""The request that a recommendation becomes in the ERP, in the site's local time."""

import datetime as dt
from zoneinfo import ZoneInfo

from features.core.clock import zone
from features.core.statements import Recommendation, order_key
from serving.orders import MaintenanceRequest
from serving.planning.cases import Case

__all__ = ["request_for"]

# SAP NotificationText and MaintenanceOrderDesc hold 40 characters.
_TITLE = 40


def request_for(
    recommendation: Recommendation,
    case: Case,
    *,
    episode: int,
    target: str,
    place: tuple[str, str] | None = None,
) -> MaintenanceRequest:
    """What is written to the ERP; its key depends on the component and the episode only.

    Args:
        recommendation: What is recommended.
        case: The component.
        episode: Of its failure mode.
        target: `request` or `order`.
        place: Functional location and equipment number in the ERP; None: those of the plant file.
    """
    site, machine = case.context.site, case.machine
    location, equipment = place or (machine.functional_location, machine.equipment_number)
    mode = recommendation.fault or recommendation.failure_mode
    words = mode.replace("_", " ").replace("-", " ")
    verb, where = recommendation.action.capitalize(), f"{machine.id} {recommendation.slot}"
    title = f"{verb} {where}: {words}" if recommendation.fault else f"{verb} {words} {where}"
    title = title if len(title) <= _TITLE else f"{verb} {where}"
    key = order_key(site.id, machine.id, recommendation.slot, recommendation.failure_mode, episode)
    return MaintenanceRequest(
        key=key,
        site_id=site.id,
        machine_id=machine.id,
        slot=recommendation.slot,
        functional_location=location,
        equipment_number=equipment,
        action=recommendation.action,
        failure_mode=mode,
        priority=recommendation.priority,
        title=title[:_TITLE].rstrip(),
        text=_text(recommendation, key, zone(site.time_zone)),
        due=recommendation.due,
        planned_start=recommendation.window_start,
        part_number=recommendation.part_number,
        target=target,
    )


def _text(recommendation: Recommendation, key: str, local: ZoneInfo) -> str:
    lines = [recommendation.reason]
    fractiles = (("P10", recommendation.p10_at), ("P50", recommendation.p50_at), ("P90", recommendation.p90_at))
    dates = [f"{name} {_stamp(moment, local)}" for name, moment in fractiles if moment is not None]
    if dates:
        lines.append(f"Failure expected: {', '.join(dates)} ({local.key}).")
    lines.append(f"Needed by: {_stamp(recommendation.due, local)}.")
    if recommendation.part_number is not None:
        lines.append(f"Part: {recommendation.part_number}.")
    if recommendation.cost_of_waiting is not None:
        cost = f"{recommendation.cost_of_waiting:,.0f} {recommendation.currency}"
        lines.append(f"Expected extra cost of waiting one more window: {cost}.")
    if recommendation.assumption:
        lines.append(f"Assumes {recommendation.assumption}.")
    if recommendation.model_version:
        lines.append(f"Model: {recommendation.model_version}.")
    return "\n".join([*lines, f"Wearcast key: {key}"])


def _stamp(moment: dt.datetime, local: ZoneInfo) -> str:
    return f"{moment.astimezone(local):%Y-%m-%d %H:%M}"
