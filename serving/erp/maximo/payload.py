"""What a request becomes in Maximo: the bodies of new orders, notes and status changes."""

from serving.erp.maximo.options import MaximoOptions
from serving.erp.maximo.wire import REQUEST, stamp
from serving.erp.texts import as_html, cut
from serving.orders import MaintenanceRequest

__all__ = [
    "MEMO_LENGTH",
    "TEXT_LENGTH",
    "TITLE_LENGTH",
    "is_raised",
    "note_of",
    "order_body",
    "request_body",
]

# Characters of DESCRIPTION as Maximo is delivered; `wearcast erp check` compares them with the site's.
TITLE_LENGTH = 100
# Characters of a text, so that its HTML (at most 5 for 1) stays within a long description of 32,000.
TEXT_LENGTH = 6000
# Characters of a status memo as Maximo is delivered.
MEMO_LENGTH = 50


def order_body(request: MaintenanceRequest, options: MaximoOptions) -> dict[str, object]:
    """A new work order. Scheduled dates are the planner's; ours are the target dates."""
    body: dict[str, object] = _texts(request) | {
        "siteid": options.site,
        "orgid": options.organization,
        "assetnum": request.equipment_number,
        "location": request.functional_location,
        "worktype": options.work_type,
        "wopriority": options.priorities[request.priority],
        "reportedby": options.reported_by,
        "targcompdate": stamp(request.due, options.time_zone),
        "failurecode": options.failure_class,
        "problemcode": options.problem_codes.get(request.failure_mode, ""),
        options.key_field: request.key,
    }
    if request.planned_start is not None:
        body["targstartdate"] = stamp(request.planned_start, options.time_zone)
    if options.plan_parts and request.part_number:
        part = {"itemnum": request.part_number, "itemqty": 1.0, "storeloc": options.storeroom}
        body["wpmaterial"] = [_filled(part)]
    return _filled(body)


def request_body(request: MaintenanceRequest, options: MaximoOptions) -> dict[str, object]:
    """A new service request; it has no target dates of ours, they stand in its text."""
    return _filled(
        _texts(request)
        | {
            "siteid": options.site,
            "assetsiteid": options.site,
            "assetnum": request.equipment_number,
            "location": request.functional_location,
            "reportedby": options.reported_by,
            "reportedpriority": options.priorities[request.priority],
            options.request_key_field: request.key,
        }
    )


def note_of(note: str, options: MaximoOptions) -> dict[str, object]:
    """A line of the work log; with MERGE it is added to what is there."""
    return {
        "worklog": [
            {
                "description": cut(note.partition("\n")[0], TITLE_LENGTH),
                "description_longdescription": as_html(cut(note, TEXT_LENGTH)),
                "logtype": options.note_type,
            }
        ]
    }


def is_raised(held: int | None, wanted: int, options: MaximoOptions) -> bool:
    """Whether `wanted` is more urgent than what the order has, in Maximo's numbers."""
    if held is None:
        return True
    is_one_highest = options.priorities[1] < options.priorities[5]
    return wanted < held if is_one_highest else wanted > held


def is_request(number: str) -> bool:
    """The number is that of a service request."""
    return number.startswith(REQUEST)


def _texts(request: MaintenanceRequest) -> dict[str, object]:
    return {
        "description": cut(request.title, TITLE_LENGTH),
        "description_longdescription": as_html(cut(request.text, TEXT_LENGTH)),
    }


def _filled(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if value != ""}
