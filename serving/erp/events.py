"""CloudEvents 1.0 in structured form: an envelope around what is sent, so that any event bus can route it."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

__all__ = ["CONTENT_TYPE", "CREATED", "envelope", "opened"]

# CloudEvents 1.0.2, HTTP protocol binding, 3.2.
CONTENT_TYPE = "application/cloudevents+json"
# What is asked for; a new form of the data gets a new number.
CREATED = "org.wearcast.maintenance.request.created.v1"


class _Envelope(BaseModel):
    """The attributes that CloudEvents 1.0 requires, and those that we use besides."""

    model_config = ConfigDict(extra="ignore")

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1)
    subject: str = ""
    datacontenttype: str = Field("application/json", pattern=r"^application/json(;.*)?$")
    data: dict[str, JsonValue]


def envelope(
    data: Mapping[str, object], *, kind: str, event_id: str, source: str, subject: str
) -> dict[str, object]:
    """A document in its envelope.

    There is no `time`: the same event sent again is the same bytes, so that a receiver which compares them by the
    idempotency key sees no difference.

    Args:
        data: What is told.
        kind: The event's type.
        event_id: Unique within the source; the same when it is sent again.
        source: Who tells, a URI reference.
        subject: What it is about.

    Example:
        >>> envelope({"a": 1}, kind="t.v1", event_id="7", source="/wearcast", subject="P101")["specversion"]
        '1.0'
    """
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": kind,
        "subject": subject,
        "datacontenttype": "application/json",
        "data": dict(data),
    }


def opened(document: object) -> dict[str, JsonValue]:
    """The document in an envelope.

    Raises:
        ValueError: It is no CloudEvent of version 1.0 with JSON in it; says which attribute is wrong.
    """
    try:
        return _Envelope.model_validate(document).data
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from err
