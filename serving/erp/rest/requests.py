"""What is sent: requests with placeholders, pages, signing in, and answers that mean something else."""

from typing import Literal, Self

from pydantic import Field, model_validator

from serving.erp.rest.readings import OrderReading, Path, Strict
from serving.erp.rest.templates import Template, placeholders

__all__ = [
    "Call",
    "CheckCall",
    "Create",
    "ErrorRule",
    "Get",
    "HeaderSignIn",
    "Listing",
    "Paging",
    "SessionSignIn",
    "SignIn",
    "Step",
    "UserSignIn",
]


class ErrorRule(Strict):
    """An answer that means something else than its status says."""

    status: int | None = Field(None, ge=200, le=599, description="Only with this status.")
    at: Path | None = Field(None, description="Only if the answer has a value at this path...")
    equals: str | int | float | bool | None = Field(None, description="...and it is this...")
    contains: str | None = Field(None, description="...or holds this.")
    means: Literal["rejected", "later", "config", "unknown", "exists", "sign_in"] = Field(
        description="rejected: never again; later: surely not done; config: a person must act; unknown: it may be "
        "done; exists: an order with that key is there; sign_in: the session is over."
    )
    message: Path | None = Field(None, description="Where the answer says why.")

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.status is None and self.at is None:
            raise ValueError("a rule needs a status, a path, or both")
        return self


class Call(Strict):
    """One request."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = Field(description="Below the connection's url.")
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Template = Field(None, description="JSON with placeholders.")
    when: str = Field("", description="Only if this value is there.")
    errors: tuple[ErrorRule, ...] = ()

    def used(self) -> list[tuple[str, str]]:
        """Placeholders of all parts."""
        return list(placeholders([self.path, dict(self.query), dict(self.headers), self.body]))


class Paging(Strict):
    """How more than one page is asked for."""

    style: Literal["none", "page", "offset", "after", "cursor", "next_link"] = Field(
        "none",
        description="page and offset count; after: {cursor} is a value of the last item; cursor and "
        "next_link: the answer says what to ask for next.",
    )
    size: int = Field(100, ge=1, description="Items a page: {limit}.")
    first: int = Field(0, ge=0, description="Number of the first page.")
    start: str | int | None = Field(None, description="{cursor} of the first page.")
    at: Path = Field("", description="Path of the cursor: in the last item (after) or in the answer.")


class Listing(Call):
    """A request whose answer is a list, on one page or more."""

    items: Path = Field("", description="Where the list stands in the answer.")
    paging: Paging | None = Field(None, description="If not the mapping's own.")


class Step(Call):
    """A request of several; `raises_priority` sends it only if the priority is higher than the held one."""

    when: str = ""


class CheckCall(Call):
    """A question that proves a right or a field."""

    subject: str = Field(description="What is proved.")
    there: Path = Field("", description="The answer must have a value here...")
    equals: str | int | float | bool | None = Field(None, description="...which is this.")
    advice: str = Field(description="What to do if not.")


class Create(Call):
    """The request that makes an order."""

    method: Literal["POST", "PUT", "PATCH"] = "POST"
    number_header: str = Field("", description="Header whose last part is the number, e.g. Location.")
    order: OrderReading | None = Field(None, description="Where the answer keeps it, if not as `order` says.")
    item: Path = Field("", description="Where the order stands in the answer.")


class Get(Call):
    """The request for one order by its number."""

    item: Path = Field("", description="Where the order stands in the answer; nothing there: there is none.")


class UserSignIn(Strict):
    """User and secret as HTTP has them."""

    style: Literal["none", "basic", "bearer"]


class HeaderSignIn(Strict):
    """A header with the secret in it."""

    style: Literal["header"]
    name: str
    value: str = "{secret}"


class SessionSignIn(Strict):
    """A request that opens a session; its cookies are kept, and a header can be made from its answer."""

    style: Literal["session"]
    call: Call
    take: dict[str, Path] = Field({}, description="Name -> where it stands in the answer.")
    header: str = Field("", description="Header of every request.")
    value: str = Field("", description="Its value; {base64} is the next field, encoded.")
    base64: str = ""


SignIn = UserSignIn | HeaderSignIn | SessionSignIn
