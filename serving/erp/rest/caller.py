"""Sends the requests of a mapping: signed in, page after page, with answers read as the mapping says."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.connection import Connection, message_of
from serving.erp.port import Preview
from serving.erp.rest.mapping import Mapping
from serving.erp.rest.paths import MISSING, read
from serving.erp.rest.requests import Call, ErrorRule, HeaderSignIn, Listing, Paging, SessionSignIn, UserSignIn
from serving.erp.rest.templates import fill, fill_text, fill_url
from serving.erp.rest.values import Fields

__all__ = ["Caller", "ThereAlreadyError"]

# No plant has so many pages of orders: an ERP that goes on has a mapping that does not fit it.
_MOST_PAGES = 10_000
_UNSUCCESSFUL = tuple(range(400, 600))


class ThereAlreadyError(OrderRejectedError):
    """An order with that key is there already."""


class _SignedOutError(ConfigError):
    """The session is over."""


class Caller:
    """Requests of one mapping over one connection.

    Args:
        connection: To the ERP.
        mapping: What to send.
        user: Of the settings.
        secret: Of the settings.
        own: What every request may use: `settings.x`, `user`.
    """

    def __init__(
        self, connection: Connection, mapping: Mapping, user: str, secret: str, own: dict[str, object]
    ) -> None:
        self._connection, self._mapping, self._own = connection, mapping, own
        self._sign_in = mapping.sign_in
        self._secrets = {"user": user, "secret": secret}
        self._session: dict[str, str] | None = None

    def prepared(self, call: Call, held: dict[str, object]) -> Preview:
        """What a request would be, without anything secret."""
        fields = Fields(self._mapping, {"now": self._connection.clock.now(), **self._own, **held})
        query = {name: fill_text(text, fields) for name, text in call.query.items()}
        url = httpx.URL(fill_url(call.path, fields))
        kept = {name: text for name, text in query.items() if text}
        if kept:
            url = url.copy_merge_params(kept)
        body = "" if call.body is None else json.dumps(fill(call.body, fields), ensure_ascii=False)
        return Preview(call.method, str(url), body)

    def ask(self, call: Call, held: dict[str, object], *, purpose: str, writes: bool, key: str = "") -> Any:
        """Send one request; the document of its answer, None if it is empty.

        Raises:
            WearcastError: As the connection and the mapping's `errors` say.
        """
        return self._document(self.send(call, held, purpose=purpose, writes=writes, key=key), writes)

    def send(
        self, call: Call, held: dict[str, object], *, purpose: str, writes: bool, key: str = ""
    ) -> httpx.Response:
        """Send one request, signing in first where needed, and again when the session is over.

        Raises:
            WearcastError: As `ask`.
        """
        if self._session is not None:
            try:
                return self._send(call, held, purpose, writes, key)
            except _SignedOutError:
                self._session = None
        try:
            return self._send(call, held, purpose, writes, key)
        except _SignedOutError as err:
            raise ConfigError(err.message, err.context) from err

    def pages(self, call: Listing, held: dict[str, object], *, purpose: str, key: str = "") -> Iterator[object]:
        """The items of all pages of a list.

        Raises:
            ErpUnavailableError: No list where it should be, or pages without an end.
        """
        paging = call.paging or self._mapping.paging
        cursor: object = paging.start
        for number in range(_MOST_PAGES):
            place = {
                "page": paging.first + number,
                "offset": number * paging.size,
                "limit": paging.size,
                "cursor": cursor,
            }
            answer = self.ask(call, {**held, **place}, purpose=purpose, writes=False, key=key)
            items = read(answer, call.items)
            if items is None:
                items = []
            if not isinstance(items, list):
                raise ErpUnavailableError(f"no list at {call.items or '$'} in the answer to {call.path}")
            yield from items
            following = _following(paging, answer, items)
            if following is None:
                return
            if paging.style in ("after", "cursor", "next_link") and following == cursor:
                raise ErpUnavailableError(f"the pages of {call.path} do not go on after {cursor!r}")
            cursor = following
            if paging.style == "next_link":
                link = str(following).replace("{", "{{").replace("}", "}}")
                call = call.model_copy(update={"path": link, "query": {}})
        raise ErpUnavailableError(f"more than {_MOST_PAGES} pages of {call.path}: does `paging` fit?")

    def skew_s(self, response: httpx.Response) -> float | None:
        """How far the ERP's clock is ahead, seconds."""
        return self._connection.skew_s(response)

    def document(self, response: httpx.Response, *, writes: bool) -> Any:  # Any: a JSON document
        """The document of an answer; None if it is empty."""
        return self._document(response, writes)

    def _document(self, response: httpx.Response, writes: bool) -> Any:  # Any: a JSON document
        return self._connection.document(response, writes=writes) if response.content else None

    def _send(self, call: Call, held: dict[str, object], purpose: str, writes: bool, key: str) -> httpx.Response:
        headers = self._headers(call, held)
        shown = self.prepared(call, held)
        response = self._connection.send(
            shown.method,
            shown.url,
            purpose=purpose,
            writes=writes,
            key=key,
            content=shown.body.encode("utf-8") if shown.body else None,
            headers=headers,
            accept=_UNSUCCESSFUL,
        )
        self._judge(response, (*call.errors, *self._mapping.errors), writes)
        return response

    def _headers(self, call: Call, held: dict[str, object]) -> dict[str, str]:
        fields = Fields(self._mapping, {**self._own, **held})
        headers = {"Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        for name, text in {**self._mapping.headers, **call.headers}.items():
            headers[name] = fill_text(text, fields)
        return headers | self._signed()

    def _signed(self) -> dict[str, str]:
        sign_in, secrets = self._sign_in, self._secrets
        if isinstance(sign_in, HeaderSignIn):
            return {sign_in.name: fill_text(sign_in.value, Fields(self._mapping, secrets))}
        if isinstance(sign_in, SessionSignIn):
            if self._session is None:
                self._session = self._signed_in(sign_in)
            return self._session
        return _of_user(sign_in, secrets)

    def _signed_in(self, sign_in: SessionSignIn) -> dict[str, str]:
        held = {**self._own, **self._secrets}
        fields = Fields(self._mapping, held)
        call = sign_in.call
        response = self._connection.send(
            call.method,
            fill_url(call.path, fields),
            purpose="sign_in",
            writes=False,
            form=None,
            content=json.dumps(fill(call.body, fields)).encode("utf-8"),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            accept=_UNSUCCESSFUL,
        )
        self._judge(response, call.errors, False)
        document = self._document(response, False)
        told: dict[str, object] = {}
        for name, path in sign_in.take.items():
            value = read(document, path)
            if value is MISSING or value is None:
                raise ConfigError(
                    f"the ERP does not sign us in: no {name} at {path} in its answer", {"status": 401}
                )
            told[name] = value
        fields = Fields(self._mapping, {**held, **told})
        if sign_in.base64:
            encoded = base64.b64encode(fill_text(sign_in.base64, fields).encode()).decode("ascii")
            fields = replace(fields, held={**fields.held, "base64": encoded})
        return {sign_in.header: fill_text(sign_in.value, fields)} if sign_in.header else {}

    def _judge(self, response: httpx.Response, rules: tuple[ErrorRule, ...], writes: bool) -> None:
        """Raise what the answer means, if it is not what was asked for."""
        document = _parsed(response) if any(rule.at or rule.message for rule in rules) else None
        for rule in rules:
            if _fits(rule, response, document):
                raise _meant(rule, response, document, writes)
        if response.status_code == 401 and isinstance(self._sign_in, SessionSignIn):
            raise _SignedOutError(f"the ERP refuses our user (401): {message_of(response)}", {"status": 401})
        if not response.is_success:
            raise self._connection.refusal(response, writes=writes)


def _of_user(sign_in: UserSignIn, secrets: dict[str, str]) -> dict[str, str]:
    if sign_in.style == "bearer":
        return {"Authorization": f"Bearer {secrets['secret']}"}
    if sign_in.style == "basic":
        pair = base64.b64encode(f"{secrets['user']}:{secrets['secret']}".encode()).decode("ascii")
        return {"Authorization": f"Basic {pair}"}
    return {}


def _following(paging: Paging, answer: object, items: list[object]) -> object:
    """What the next page is asked for with; None: this was the last one."""
    if paging.style in ("page", "offset"):
        return True if len(items) >= paging.size else None
    if paging.style == "after":
        value = read(items[-1], paging.at) if len(items) >= paging.size else None
    elif paging.style in ("cursor", "next_link"):
        value = read(answer, paging.at)
    else:
        return None
    return None if value is MISSING or value == "" else value


def _parsed(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return MISSING


def _fits(rule: ErrorRule, response: httpx.Response, document: object) -> bool:
    if rule.status is not None and rule.status != response.status_code:
        return False
    if rule.at is None:
        return True
    value = read(document, rule.at)
    if value is MISSING or value is None or value is False:
        return False
    if rule.equals is not None:
        return value == rule.equals
    return rule.contains is None or rule.contains in str(value)


def _meant(rule: ErrorRule, response: httpx.Response, document: object, writes: bool) -> WearcastError:
    said = read(document, rule.message) if rule.message else MISSING
    text = message_of(response) if said is MISSING or said is None else " ".join(str(said).split())[:300]
    context: dict[str, object] = {"status": response.status_code}
    if rule.means == "later":
        return ErpUnavailableError(f"the ERP asks to come back later: {text}", context)
    if rule.means == "config":
        return ConfigError(f"the ERP refuses us: {text}", context)
    if rule.means == "sign_in":
        return _SignedOutError(f"the ERP wants us to sign in: {text}", context)
    if rule.means == "exists":
        return ThereAlreadyError(f"the ERP has it already: {text}", context)
    if rule.means == "unknown":
        message = f"the ERP may have done it: {text}"
        return AmbiguousDeliveryError(message, context) if writes else ErpUnavailableError(message, context)
    return OrderRejectedError(f"the ERP refuses it: {text}", context)
