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
from serving.erp.masking import MASK, without_fields, without_values
from serving.erp.port import Exchange

__all__ = ["Connection", "Translate", "message_of", "retry_after_s", "written"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# So much of a body is kept of an exchange, and told in an error.
_KEPT, _TOLD = 4000, 300
# Nobody is waited for longer at once: after a day's rest it does no harm to ask again.
_LONGEST_WAIT_S = 86_400.0

# An adapter's own reading of an unsuccessful answer; None: the common one holds.
Translate = Callable[[httpx.Response], WearcastError | None]


class Connection:
    """Sends requests and tells errors by what is known about the ERP afterwards.

    A question that gets no answer changed nothing: `ErpUnavailableError`. A write whose answer is lost,
    unreadable or a 5xx may have happened: `AmbiguousDeliveryError`. What the ERP refuses to be asked (4xx, or
    a redirection) is no order's fault: `ConfigError`; but 404 may be: `OrderRejectedError`.

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
        self.host, self._origin = parsed.host, _origin(parsed)
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
        if _origin(request.url) != self._origin:
            # Our credentials go with every request: to this host, and never in clear text to it either.
            raise ErpUnavailableError(f"the ERP at {self.host} points to {_origin(request.url)}: not followed")
        sent = MASK if form is not None else request.content.decode("utf-8", "replace")
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
            if _is_untrusted(err):
                hint = "set erp.ca_file to the certificates of its authority, or look at its own certificate"
                raise ConfigError(f"the ERP at {self.host} is not who it says it is: {err}; {hint}") from err
            raise ErpUnavailableError(f"the ERP at {self.host} cannot be reached: {err}") from err
        except (httpx.TransportError, httpx.DecodingError) as err:
            keep(None, repr(err))
            raise self._unknown(f"the ERP at {self.host} gave no answer: {err!r}", writes) from err
        keep(response.status_code, MASK if purpose == "sign_in" else self._clean(response.text))
        if response.is_success or response.status_code in accept:
            return response
        error = None if self._translate is None else self._translate(response)
        error = error or self._error(response, writes)
        if purpose == "sign_in" and isinstance(error, OrderRejectedError):
            error = ConfigError(error.message, error.context)
        raise type(error)(self._without_values(error.message), error.context)

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
        status, text = response.status_code, _told(self._without_values(self._clean(response.text)))
        context: dict[str, object] = {"status": status}
        wait = retry_after_s(response, self.clock)
        if wait is not None:
            context["retry_after_s"] = wait
        if status in (401, 403):
            return ConfigError(f"the ERP refuses our user ({status}): {text}", context)
        if status in (423, 429):
            return ErpUnavailableError(f"the ERP asks to come back later ({status}): {text}", context)
        if 300 <= status < 400 and not writes:
            place = response.headers.get("Location", "nowhere")[:_TOLD]
            return ConfigError(f"the ERP sends us to {place} ({status}): look at erp.url and the sign-in", context)
        if status >= 500 or status in (408, 425) or status < 400:
            message = f"the ERP answered {status}: {text}"
            return AmbiguousDeliveryError(message, context) if writes else ErpUnavailableError(message, context)
        if not writes and status != 404:
            return ConfigError(f"the ERP does not let itself be asked so ({status}): {text}", context)
        return OrderRejectedError(f"the ERP refuses it ({status}): {text}", context)

    def _masked(self, text: str) -> str:
        return without_fields(self._without_values(text))[:_KEPT]

    def _without_values(self, text: str) -> str:
        return without_values(text, self._secrets)


def written(body: object) -> str:
    """A JSON body exactly as it is sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def retry_after_s(response: httpx.Response, clock: Clock) -> float | None:
    """Seconds that the ERP asks to wait, from `Retry-After` in seconds or as a date; None: it does not ask."""
    told = response.headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return min(float(told), _LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    return (
        None if moment.tzinfo is None else min(max((moment - clock.now()).total_seconds(), 0.0), _LONGEST_WAIT_S)
    )


def message_of(response: httpx.Response) -> str:
    """What an unsuccessful answer says, without markup, short."""
    return _told(response.text)


def _origin(url: httpx.URL) -> str:
    """Scheme, host and port; a port that the scheme has anyway is left out by httpx."""
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port is not None else "")


def _is_untrusted(err: BaseException | None) -> bool:
    """TLS found another certificate than it trusts, somewhere below the client's own errors."""
    while err is not None:
        if isinstance(err, ssl.SSLCertVerificationError):
            return True
        err = err.__cause__ or err.__context__
    return False


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
