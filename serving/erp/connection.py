"""One HTTP connection to an ERP: TLS always verified, errors by what is known, every exchange recorded."""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from features.core.clock import Clock
from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.endpoint import Endpoint
from serving.erp.port import Exchange

__all__ = ["Connection", "Translate", "message_of", "retry_after_s", "written"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# So much of a body is kept of an exchange, and told in an error.
_KEPT, _TOLD = 4000, 300
# Names of fields whose values are never kept, whatever the ERP.
_SECRET_WORDS = ("password", "secret", "token", "apikey", "api_key", "authorization", "credential")
_MASK = "***"

# An adapter's own reading of an unsuccessful answer; None: the common one holds.
Translate = Callable[[httpx.Response], WearcastError | None]


class Connection:
    """Sends requests and tells errors by what is known about the ERP afterwards.

    A question that gets no answer changed nothing: `ErpUnavailableError`. A write whose answer is lost,
    unreadable or a 5xx may have happened: `AmbiguousDeliveryError`.

    Args:
        endpoint: Where the ERP answers.
        headers: Sent with every request.
        auth: Signs requests.
        secrets: Values that are masked wherever they appear in an exchange.
        translate: Looks at an unsuccessful answer first.
        clean: What is kept and told of an answer's text, e.g. without the ERP's tracebacks.

    Raises:
        ConfigError: No URL, http to another machine, or unreadable certificates.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        secrets: tuple[str, ...] = (),
        translate: Translate | None = None,
        clean: Callable[[str], str] | None = None,
    ) -> None:
        url, timeout_s = endpoint.url, endpoint.timeout_s
        parsed = httpx.URL(url)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ConfigError(f"ERP url {url!r} is not a URL; e.g. https://erp.example/", {"url": url})
        if parsed.scheme == "http" and parsed.host not in _LOOPBACK:
            raise ConfigError(f"ERP url {url!r} must be https: http is for this machine only", {"url": url})
        self.host = parsed.host
        self.clock = endpoint.clock
        self._translate, self._record = translate, endpoint.record
        self._clean = clean or str
        self._secrets = tuple(secret for secret in secrets if secret)
        # Each phase has its own limit; together they stay within `timeout_s`.
        phases = httpx.Timeout(
            connect=timeout_s * 0.2, write=timeout_s * 0.2, read=timeout_s * 0.5, pool=timeout_s * 0.1
        )
        self._client = httpx.Client(
            base_url=url,
            timeout=phases,
            verify=_authorities(endpoint.ca_file),
            transport=endpoint.transport,
            trust_env=False,
            headers=dict(headers or {}),
            auth=auth,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def cookies(self) -> httpx.Cookies:
        """Cookies that the ERP has set."""
        return self._client.cookies

    def send(
        self,
        method: str,
        path: str,
        *,
        purpose: str,
        writes: bool,
        key: str = "",
        params: Mapping[str, str] | None = None,
        body: object = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """Send one request.

        Args:
            method: HTTP method.
            path: Below the base URL, or a whole URL of the same host.
            purpose: For the record: find, create, annotate, changes, assets, open_orders, check, sign_in.
            writes: It can change something, so that a lost answer is ambiguous.
            key: Order key, for the record.
            params: Query.
            body: Sent as JSON.
            content: Sent as it is.
            form: Sent as a form; its values are not recorded.
            headers: For this request.
            accept: Unsuccessful statuses that the caller reads itself.

        Raises:
            WearcastError: As the class says, or what `translate` makes of the answer.
        """
        asked = dict(headers or {})
        if body is not None:
            content = written(body).encode("utf-8")
            asked.setdefault("Content-Type", "application/json")
        request = self._client.build_request(
            method, path, params=params, content=content, data=form, headers=asked or None
        )
        if request.url.host != self.host:
            raise ErpUnavailableError(f"the ERP at {self.host} points to {request.url.host}: not followed")
        sent = _MASK if form is not None else request.content.decode("utf-8", "replace")
        start = time.perf_counter()

        def keep(status: int | None, answer: str) -> None:
            if self._record is not None:
                took_ms = (time.perf_counter() - start) * 1e3
                url = self._masked(request.url.raw_path.decode("ascii", "replace"))
                self._record(
                    Exchange(
                        purpose,
                        key,
                        method,
                        url,
                        self._masked(sent),
                        status,
                        self._masked(answer),
                        took_ms,
                        writes,
                    )
                )

        try:
            response = self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as err:
            keep(None, repr(err))
            raise ErpUnavailableError(f"the ERP at {self.host} cannot be reached: {err}") from err
        except (httpx.TransportError, httpx.DecodingError) as err:
            keep(None, repr(err))
            raise self._unknown(f"the ERP at {self.host} gave no answer: {err!r}", writes) from err
        keep(response.status_code, _MASK if purpose == "sign_in" else self._clean(response.text))
        if response.is_success or response.status_code in accept:
            return response
        error = None if self._translate is None else self._translate(response)
        raise error or self._error(response, writes)

    def document(self, response: httpx.Response, *, writes: bool) -> Any:  # Any: a JSON document
        """The JSON of an answer.

        Raises:
            AmbiguousDeliveryError: It is none, after a write.
            ErpUnavailableError: It is none, after a question.
        """
        try:
            return response.json()
        except ValueError as err:
            raise self._unknown(f"the ERP at {self.host} answered something unreadable", writes) from err

    def refusal(self, response: httpx.Response, *, writes: bool) -> WearcastError:
        """What an unsuccessful answer means by its status, for a caller that accepted and read it first."""
        return self._error(response, writes)

    def skew_s(self, response: httpx.Response) -> float | None:
        """How far the ERP's clock is ahead of ours, seconds to the nearest one; None: it does not tell."""
        try:
            told = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError, TypeError):
            return None
        return None if told.tzinfo is None else round((told - self.clock.now()).total_seconds())

    def _unknown(self, message: str, writes: bool) -> WearcastError:
        return AmbiguousDeliveryError(message) if writes else ErpUnavailableError(message)

    def _error(self, response: httpx.Response, writes: bool) -> WearcastError:
        status, text = response.status_code, _told(self._clean(response.text))
        context: dict[str, object] = {"status": status}
        wait = retry_after_s(response, self.clock)
        if wait is not None:
            context["retry_after_s"] = wait
        if status in (401, 403):
            return ConfigError(f"the ERP refuses our user ({status}): {text}", context)
        if status in (423, 429):
            return ErpUnavailableError(f"the ERP asks to come back later ({status}): {text}", context)
        if status >= 500 or status in (408, 425) or status < 400:
            message = f"the ERP answered {status}: {text}"
            return AmbiguousDeliveryError(message, context) if writes else ErpUnavailableError(message, context)
        return OrderRejectedError(f"the ERP refuses it ({status}): {text}", context)

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return _without_secrets(text)[:_KEPT]


def written(body: object) -> str:
    """A JSON body exactly as it is sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def retry_after_s(response: httpx.Response, clock: Clock) -> float | None:
    """Seconds that the ERP asks to wait, from `Retry-After` in seconds or as a date; None: it does not ask."""
    told = response.headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    return None if moment.tzinfo is None else max((moment - clock.now()).total_seconds(), 0.0)


def message_of(response: httpx.Response) -> str:
    """What an unsuccessful answer says, without markup, short."""
    return _told(response.text)


def _told(text: str) -> str:
    if "<" in text[:200] and "html" in text[:400].lower():
        text = "an HTML page instead of an answer"
    return " ".join(text.split())[:_TOLD]


def _authorities(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as err:
        raise ConfigError(f"ca_file {ca_file}: {err}", {"ca_file": ca_file}) from err


def _without_secrets(text: str) -> str:
    """Values of JSON fields with telling names are masked; other text stays."""
    lowered = text.lower()
    if not any(word in lowered for word in _SECRET_WORDS):
        return text
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return json.dumps(_mask(document), ensure_ascii=False)


def _mask(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: _MASK if any(word in str(name).lower() for word in _SECRET_WORDS) else _mask(held)
            for name, held in value.items()
        }
    if isinstance(value, list):
        return [_mask(one) for one in value]
    return value
