"""How long a claim lasts, how often a delivery is tried, and how long it waits in between."""

import datetime as dt
import hashlib
from dataclasses import dataclass

__all__ = ["DeliveryRules", "backoff", "delivery_rules"]


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How long, how often.

    Attributes:
        lease: How long a claim lasts; must exceed twice the HTTP timeout.
        hold: Pause before an ambiguous delivery is looked up: an ERP may finish, and index, late.
        lookups: Look-ups without a find before an ambiguous delivery may be created again.
        first_backoff: Longest pause after the first failure; doubles with each.
        longest_backoff: Cap of the pause.
        tries: Attempts before a person must look...
        patience: ...but not before the item is so old: an outage is no reason to give up.
        failures_in_a_row: The round ends after so many: the ERP is down, not the item.
    """

    lease: dt.timedelta = dt.timedelta(seconds=60)
    hold: dt.timedelta = dt.timedelta(seconds=30)
    lookups: int = 2
    first_backoff: dt.timedelta = dt.timedelta(seconds=1)
    longest_backoff: dt.timedelta = dt.timedelta(minutes=5)
    tries: int = 8
    patience: dt.timedelta = dt.timedelta(hours=24)
    failures_in_a_row: int = 3


def delivery_rules(timeout_s: float) -> DeliveryRules:
    """Rules whose lease is longer than twice the HTTP timeout, with room for the look-up before."""
    return DeliveryRules(lease=dt.timedelta(seconds=max(60.0, 3.0 * timeout_s)))


def backoff(key: str, attempt: int, rules: DeliveryRules) -> dt.timedelta:
    """Pause after an attempt: anything up to a limit that doubles and is capped (full jitter).

    Drawn from the key and the attempt, so that items do not march in step and a run can be repeated.

    Example:
        >>> rules = DeliveryRules(first_backoff=dt.timedelta(seconds=10))
        >>> dt.timedelta(0) <= backoff("WC-A", 1, rules) <= dt.timedelta(seconds=10)
        True
    """
    full: dt.timedelta = min(rules.longest_backoff, rules.first_backoff * (1 << min(attempt - 1, 20)))
    digest = hashlib.sha256(f"{key}:{attempt}".encode()).digest()
    return full * (int.from_bytes(digest[:4]) / 2**32)
