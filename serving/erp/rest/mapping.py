"""What a mapping file says, as data: requests, readings, states, maps, times, capabilities."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from features.core.settings import nearest
from serving.erp.rest.readings import AssetReading, ChangeReading, OrderReading, Strict, all_takes
from serving.erp.rest.requests import (
    Call,
    CheckCall,
    Create,
    ErrorRule,
    Get,
    Listing,
    Paging,
    SessionSignIn,
    SignIn,
    Step,
)
from serving.erp.rest.templates import FORMS, Template
from serving.erp.rest.times import TimeForm
from serving.orders import OrderState

__all__ = ["Declared", "Mapping", "Setting", "Texts"]

_REQUEST = frozenset(
    {
        "key",
        "title",
        "text",
        "due",
        "planned_start",
        "priority",
        "functional_location",
        "equipment_number",
        "machine_id",
        "slot",
        "site_id",
        "action",
        "failure_mode",
        "part_number",
        "target",
    }
)
_PAGES = frozenset({"page", "offset", "limit", "cursor"})
_EVERYWHERE = frozenset({"user", "now"})


def _words(value: object) -> object:
    """Keys as an ERP would write them in JSON: a status may be a number or true."""
    if not isinstance(value, dict):
        return value
    return {str(key).lower() if isinstance(key, bool) else str(key): held for key, held in value.items()}


class Setting(Strict):
    """What a plant must say of its own ERP."""

    about: str
    default: str | int | None = None


class Declared(Strict):
    """What cannot be seen from the rest of the mapping."""

    unique_key: bool = Field(False, description="The ERP refuses a second order with the same key.")
    targets: tuple[Literal["request", "order"], ...] = ("request",)


class Texts(Strict):
    """What the ERP's fields can hold."""

    title_length: int = Field(40, ge=10)
    text_length: int = Field(1000, ge=40)
    html: bool = Field(False, description="Texts and notes are HTML.")


class Mapping(Strict):
    """A whole mapping file."""

    about: str = Field(description="Which product and version, and what was tried.")
    settings: dict[str, Setting] = Field(default_factory=dict)
    sign_in: Annotated[SignIn, Field(discriminator="style")]
    headers: dict[str, str] = Field(default_factory=dict)
    capabilities: Declared = Declared()
    texts: Texts = Texts()
    times: dict[str, TimeForm] = Field(default_factory=dict)
    maps: dict[str, Annotated[dict[str, Template], BeforeValidator(_words)]] = Field(default_factory=dict)
    states: Annotated[dict[str, OrderState], BeforeValidator(_words)]
    paging: Paging = Paging()
    errors: tuple[ErrorRule, ...] = ()
    order: OrderReading
    change: ChangeReading | None = None
    asset: AssetReading | None = None
    check: tuple[CheckCall, ...] = ()
    find: Listing
    keys: Listing
    get: Get | None = None
    create: Create
    annotate: tuple[Step, ...] = ()
    cancel: tuple[Step, ...] = ()
    changes: Listing | None = None
    open_orders: tuple[Listing, ...] = ()
    assets: Listing | None = None

    @property
    def raises_priorities(self) -> bool:
        """A step of `annotate` raises the priority."""
        return any(step.when == "raises_priority" for step in self.annotate)

    def form(self, name: str) -> TimeForm:
        """The form of moments of that name; ISO in UTC where `times` says nothing."""
        return self.times.get(name) or TimeForm()

    @field_validator("maps")
    @classmethod
    def _known_fields(cls, maps: dict[str, Any]) -> dict[str, Any]:  # Any: values of the ERP
        for name in maps:
            if name not in _REQUEST:
                raise ValueError(f"{name!r} is no field of a request; {nearest(name, sorted(_REQUEST))}")
        priorities = maps.get("priority")
        if priorities is not None and "otherwise" not in priorities:
            lacking = [str(one) for one in range(1, 6) if str(one) not in priorities]
            if lacking:
                raise ValueError(f"priority {', '.join(lacking)} has no value: 1 (highest) to 5, or otherwise")
        return maps

    @model_validator(mode="after")
    def _whole(self) -> Self:
        calls: list[tuple[str, Call, frozenset[str]]] = [
            ("find", self.find, _PAGES | {"key"}),
            ("keys", self.keys, _PAGES | {"prefix"}),
            ("create", self.create, _REQUEST),
        ]
        calls += [(f"check[{n}]", call, frozenset()) for n, call in enumerate(self.check)]
        steps = frozenset({"number", "note", "priority"})
        calls += [(f"annotate[{n}]", call, steps) for n, call in enumerate(self.annotate)]
        calls += [(f"cancel[{n}]", call, frozenset({"number", "note"})) for n, call in enumerate(self.cancel)]
        place = _PAGES | {"functional_location", "equipment_number"}
        calls += [(f"open_orders[{n}]", call, place) for n, call in enumerate(self.open_orders)]
        for name, single, known in (
            ("get", self.get, frozenset({"number"})),
            ("changes", self.changes, _PAGES | {"since"}),
            ("assets", self.assets, _PAGES),
        ):
            if single is not None:
                calls.append((name, single, known))
        own = _EVERYWHERE | {f"settings.{name}" for name in self.settings}
        for name, call, known in calls:
            self._check(name, call, known | own)
        if isinstance(self.sign_in, SessionSignIn):
            self._check("sign_in.call", self.sign_in.call, own | {"secret"})
        self._needs()
        return self

    def _check(self, name: str, call: Call, known: frozenset[str]) -> None:
        forms = (*FORMS, *self.times)
        for field, form in call.used():
            if field not in known:
                raise ValueError(f"{name}: {{{field}}} stands for nothing there; {nearest(field, sorted(known))}")
            if form and form not in forms:
                raise ValueError(f"{name}: {{{field}:{form}}} has no such form; {nearest(form, list(forms))}")
        if call.when and call.when not in known | {"raises_priority"}:
            raise ValueError(f"{name}.when: {call.when!r} is no value there; {nearest(call.when, sorted(known))}")

    def _needs(self) -> None:
        if self.changes is not None and self.change is None:
            raise ValueError("changes: say in `change` where an item keeps its moment (changed_at)")
        if self.assets is not None and self.asset is None:
            raise ValueError("assets: say in `asset` where an item keeps its number and description")
        if not self.order.key:
            raise ValueError("order.key: say where an order keeps our key; without it none is found again")
        if self.raises_priorities and (self.get is None or not self.order.priority):
            raise ValueError("annotate: to raise a priority, give `get` and `order.priority` to read the held one")
        readings = [self.order, self.change, self.asset, self.create.order]
        for reading in (one for one in readings if one is not None):
            for take in all_takes(reading):
                if take.time != "default" and take.time not in self.times:
                    raise ValueError(f"time {take.time!r} is not in times; {nearest(take.time, list(self.times))}")
