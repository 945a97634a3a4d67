"""Signed requests: HMAC-SHA256 over method, path, timestamp and body."""

import hashlib
import hmac

__all__ = ["HEADER", "STALE_SECONDS", "TIMESTAMP_HEADER", "sign"]

HEADER = "X-Wearcast-Signature"
TIMESTAMP_HEADER = "X-Wearcast-Timestamp"
# A request older or newer than this is refused, so that a recorded one cannot be played again later.
STALE_SECONDS = 300


def sign(secret: bytes, *, method: str, path: str, timestamp: int, body: bytes) -> str:
    """The signature of a request, as hexadecimal text.

    Args:
        secret: Shared by both sides.
        method: Upper case.
        path: With the query, as sent.
        timestamp: Seconds since 1970 UTC, also sent in a header.
        body: As sent; empty for GET.

    Example:
        >>> sign(b"s", method="GET", path="/health", timestamp=0, body=b"")[:8]
        'e8cb6c21'
    """
    message = b"\n".join((method.encode(), path.encode(), str(timestamp).encode(), body))
    return hmac.new(secret, message, hashlib.sha256).hexdigest()
