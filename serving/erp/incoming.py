"""Messages from the ERP that something changed: signed, recent, each once; hints, never facts."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from features.core.errors import RequestRejectedError
from serving.erp.secrets import read_secret
from serving.erp.signature import STALE_SECONDS
from serving.settings import ErpSettings, IncomingSettings

__all__ = ["MOST_BYTES", "Hint", "Incoming"]

# A message holds an order's number and little more.
MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Hint:
    """Which order may have changed; the order itself is read again from the ERP."""

    event_id: str
    number: str


class Incoming:
    """Checks messages by the scheme of their sender.

    Schemes: `wearcast` (`X-Wearcast-Timestamp`, `X-Wearcast-Signature: v1=` hex HMAC-SHA256 of timestamp, a
    dot and the body), `frappe` (`X-Frappe-Webhook-Signature`: base64 HMAC-SHA256 of the body), `body_hex`
    (hex HMAC-SHA256 of the body in the header that the settings name). Schemes without a signed time are
    guarded against replay by the event's id in the signed body alone: a message that comes again is known.

    Args:
        secret: Shared with the sender.
        settings: Scheme and names.
    """

    def __init__(self, secret: bytes, settings: IncomingSettings) -> None:
        self._secret, self._settings = secret, settings

    @classmethod
    def from_settings(cls, settings: ErpSettings) -> "Incoming | None":
        """As the settings say; None: messages are not taken.

        Raises:
            ConfigError: No secret, or a secret file that others can read.
        """
        if settings.incoming is None:
            return None
        secret = read_secret(ErpSettings(secret_file=settings.incoming.secret_file))
        return cls(secret, settings.incoming)

    def read(self, headers: Mapping[str, str], body: bytes, *, now: dt.datetime) -> Hint:
        """The hint in a message.

        Args:
            headers: By lower-case name.
            body: As received.
            now: The real time.

        Raises:
            RequestRejectedError: Wrong signature or too old (`reason` unsigned), too large, not JSON.
        """
        if len(body) > MOST_BYTES:
            raise RequestRejectedError(f"a message has at most {MOST_BYTES} bytes", {"reason": "too_large"})
        self._check(headers, body, now)
        try:
            document = json.loads(body)
        except ValueError as err:
            raise RequestRejectedError("the body is not JSON", {"reason": "invalid"}) from err
        told = document if isinstance(document, dict) else {}
        number = next((str(told[name]) for name in self._settings.number_fields if told.get(name)), "")
        # From the signed body alone: by an id in a header an overheard message could come again as new.
        event_id = next((str(told[name]) for name in self._settings.id_fields if told.get(name)), "")
        return Hint(event_id[:120] or hashlib.sha256(body).hexdigest(), number[:40])

    def _check(self, headers: Mapping[str, str], body: bytes, now: dt.datetime) -> None:
        scheme = self._settings.scheme
        if scheme == "wearcast":
            stamp = headers.get("x-wearcast-timestamp", "")
            if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
                raise _unsigned("X-Wearcast-Timestamp is missing or no number of seconds")
            digest = self._digest(stamp.encode("ascii") + b"." + body).hex()
            _same(headers.get("x-wearcast-signature", ""), f"v1={digest}")
            if abs(now.timestamp() - int(stamp)) > STALE_SECONDS:
                raise _unsigned(f"the message is more than {STALE_SECONDS} s old or ahead")
        elif scheme == "frappe":
            digest = base64.b64encode(self._digest(body)).decode("ascii")
            _same(headers.get("x-frappe-webhook-signature", ""), digest)
        else:
            _same(headers.get(self._settings.signature_header.lower(), ""), self._digest(body).hex())

    def _digest(self, message: bytes) -> bytes:
        return hmac.new(self._secret, message, hashlib.sha256).digest()


def _same(given: str, expected: str) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("ascii")):
        raise _unsigned("the signature does not fit")


def _unsigned(message: str) -> RequestRejectedError:
    return RequestRejectedError(message, {"reason": "unsigned"})
