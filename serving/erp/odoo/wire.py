"""One method call on Odoo, over JSON-2 or JSON-RPC: bodies, error documents, pages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.connection import Connection, written
from serving.erp.odoo.options import OdooOptions
from serving.erp.port import Preview

__all__ = ["Record", "Wire", "error_of", "translated", "without_traceback"]

# One record as Odoo's JSON has it: a many2one is [id, name], an empty field is false.
Record = dict[str, Any]

_MASK = "***"
# Ends of exception names. Odoo undoes the whole transaction of a call that raises.
_LATER = (
    "LockError",
    "ConcurrencyError",
    "SerializationFailure",
    "TransactionRollbackError",
    "DeadlockDetected",
    "LockNotAvailable",
    "PoolError",
)
_CONFIG = ("AccessDenied", "AccessError", "Unauthorized", "Forbidden", "SessionExpiredException", "NotFound")
_FOR_GOOD = (
    "ValidationError",
    "UserError",
    "MissingError",
    "RedirectWarning",
    "UnprocessableEntity",
    "BadRequest",
    "ValueError",
    "KeyError",
    "TypeError",
    "AttributeError",
    "UniqueViolation",
    "NotNullViolation",
    "CheckViolation",
    "ForeignKeyViolation",
)


class Wire:
    """Calls methods of Odoo's models.

    Args:
        connection: Made with `translated` and `without_traceback`.
        options: Of the site.
        user: Login of the key's owner (JSON-RPC).
        key: API key.
    """

    def __init__(self, connection: Connection, options: OdooOptions, user: str, key: str) -> None:
        self._connection, self._options, self._user, self._key = connection, options, user, key
        self._uid: int | None = None
        self.skew_s: float | None = None

    def call(
        self,
        model: str,
        method: str,
        arguments: Mapping[str, object],
        *,
        purpose: str,
        writes: bool = False,
        key: str = "",
        ids: Sequence[int] = (),
        context: Mapping[str, object] | None = None,
    ) -> Any:  # Any: a JSON document
        """What the method returns.

        Args:
            model: E.g. maintenance.request.
            method: Public method of it.
            arguments: By name.
            purpose: For the record of exchanges.
            writes: It changes something.
            key: Order key, for the record.
            ids: Records it is called on.
            context: Beside language and time zone.

        Raises:
            WearcastError: By what is known, see `serving.erp.port.Orders`.
        """
        path, body = self._request(model, method, ids, arguments, context, self._key)
        try:
            response = self._connection.send("POST", path, purpose=purpose, writes=writes, key=key, body=body)
            self.skew_s = self._connection.skew_s(response)
            document = self._connection.document(response, writes=writes)
            return document if self._options.api == "json2" else _result(document, writes=writes)
        except OrderRejectedError as err:
            if writes:
                raise
            # A search: what is asked for is wrong, and no order.
            hint = "check the names in erp.options; `wearcast erp check` tells which are wrong"
            raise ConfigError(f"{err.message}; {hint}", err.context) from err

    def preview(
        self, model: str, method: str, arguments: Mapping[str, object], context: Mapping[str, object]
    ) -> Preview:
        """The request that `call` would send, without the key."""
        path, body = self._request(model, method, (), arguments, context, _MASK)
        return Preview("POST", path, written(body))

    def pages(
        self,
        model: str,
        domain: list[object],
        fields: Sequence[str],
        *,
        purpose: str,
        key: str = "",
        by: str = "id",
    ) -> Iterator[Record]:
        """Records of all pages, ascending by `by` and then by id, also when some change meanwhile.

        A page begins where the last one ended, that place included (stamps are cut to seconds), so that
        some records come twice. Only when one place fills whole pages are those before skipped by number.

        Args:
            model: Whose records.
            domain: Which of them.
            fields: Which fields; `by` is one of them.
            purpose: For the record of exchanges.
            key: Order key, for the record.
            by: Field that pages follow.
        """
        size, place, skip = self._options.page, None, 0
        while True:
            since: list[object] = [] if place is None else [[by, ">=", place]]
            page: list[Record] = self.call(
                model,
                "search_read",
                {
                    "domain": [*domain, *since],
                    "fields": list(fields),
                    "offset": skip,
                    "limit": size,
                    "order": "id asc" if by == "id" else f"{by} asc, id asc",
                },
                purpose=purpose,
                key=key,
            )
            yield from page
            if len(page) < size:
                return
            skip = skip + size if page[-1][by] == place else 0
            place = page[-1][by]

    def _request(
        self,
        model: str,
        method: str,
        ids: Sequence[int],
        arguments: Mapping[str, object],
        context: Mapping[str, object] | None,
        key: str,
    ) -> tuple[str, dict[str, object]]:
        # Without a time zone `load` reads naive stamps in the user's own one.
        named = {**arguments, "context": {"lang": self._options.language, "tz": "UTC", **(context or {})}}
        if self._options.api == "json2":
            return f"json/2/{model}/{method}", ({"ids": list(ids)} if ids else {}) | named
        positional = [list(ids)] if ids else []
        args = [self._options.database, self._user_id(), key, model, method, positional, named]
        return "jsonrpc", _envelope("object", "execute_kw", args)

    def _user_id(self) -> int:
        if self._uid is None:
            args: list[object] = [self._options.database, self._user, self._key, {}]
            body = _envelope("common", "authenticate", args)
            response = self._connection.send("POST", "jsonrpc", purpose="sign_in", writes=False, body=body)
            uid = _result(self._connection.document(response, writes=False), writes=False)
            if not isinstance(uid, int) or not uid:
                raise ConfigError(
                    f"Odoo does not know the user {self._user!r} with this key: check both", {"status": 401}
                )
            self._uid = uid
        return self._uid


def error_of(name: str, message: str) -> WearcastError | None:
    """The error that an exception of Odoo stands for; None: what happened is not known.

    Args:
        name: Its full name, e.g. odoo.exceptions.ValidationError.
        message: Its message.
    """
    last, text = name.rpartition(".")[2], " ".join(message.split())[:300]
    context = {"name": name}
    if last in _LATER:
        return ErpUnavailableError(f"Odoo asks to come back later ({last}): {text}", context)
    if last in _CONFIG:
        return ConfigError(f"Odoo refuses our user or does not know what we ask for ({last}): {text}", context)
    if last in _FOR_GOOD:
        return OrderRejectedError(f"Odoo refuses it ({last}): {text}", context)
    return None


def translated(response: httpx.Response) -> WearcastError | None:
    """The error of an unsuccessful JSON-2 answer, if it is one of Odoo's own documents."""
    try:
        document = response.json()
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        return None
    return error_of(document["name"], str(document.get("message", "")))


def without_traceback(text: str) -> str:
    """An answer without the `debug` and `arguments` of its error: they hold code and values of the server."""
    if '"debug"' not in text:
        return text
    try:
        return json.dumps(_cleaned(json.loads(text)), ensure_ascii=False)
    except ValueError:
        return "an answer that holds a traceback"


def _cleaned(value: object) -> object:
    if isinstance(value, dict):
        hidden = ("debug", "arguments") if "debug" in value else ()
        return {name: _cleaned(held) for name, held in value.items() if name not in hidden}
    return [_cleaned(one) for one in value] if isinstance(value, list) else value


def _result(document: object, *, writes: bool) -> Any:  # Any: a JSON document
    """The result of a JSON-RPC answer, whose HTTP status is 200 for errors too."""
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(document, dict) and error is None and "result" in document:
        return document["result"]
    data = error.get("data") if isinstance(error, dict) else None
    name, message = "", "an answer that is no JSON-RPC"
    if isinstance(error, dict):
        name, message = "", str(error.get("message", ""))
    if isinstance(data, dict):
        name, message = str(data.get("name", "")), str(data.get("message", ""))
    told = " ".join(f"Odoo answered {name} {message}".split())[:300]
    unknown = AmbiguousDeliveryError(told) if writes else ErpUnavailableError(told)
    raise error_of(name, message) or unknown


def _envelope(service: str, method: str, args: list[object]) -> dict[str, object]:
    params = {"service": service, "method": method, "args": args}
    return {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
