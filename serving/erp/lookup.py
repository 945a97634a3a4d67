"""A look-up by key as the outbox does it, as a finding of a check."""

from collections.abc import Callable, Sequence

from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.port import Finding, Severity
from serving.orders import WorkOrder

__all__ = ["NO_KEY", "look_up"]

# A key of the right form that no order has.
NO_KEY = "WC-" + "A" * 17


def look_up(find: Callable[[str], Sequence[WorkOrder]]) -> Finding:
    """Whether orders can be found by key.

    Args:
        find: Of the adapter.

    Raises:
        ErpUnavailableError: The ERP does not answer now.
    """
    try:
        find(NO_KEY)
    except (ConfigError, OrderRejectedError) as err:
        return Finding(Severity.ERROR, "look-up", err.message)
    return Finding(Severity.OK, "look-up", "orders can be found by key")
