"""Open orders that people made, asked of the ERP once a place and round."""

from features.core.errors import ConfigError, RejectedError, RetriableError
from features.core.telemetry import log
from serving.erp.port import Assets

__all__ = ["OrdersOfOthers"]

# Orders and test orders of ours.
_OURS = ("WC-", "WT-")
# So many places in a row without an answer: the ERP is away, not the place; each one costs a time-out.
_FAILURES_IN_A_ROW = 3

Place = tuple[str, str]


class OrdersOfOthers:
    """What one round of planning knows of the orders of others.

    Args:
        assets: The ERP; None: it tells of no orders, ever.
        may_ask: It may be asked now.
    """

    def __init__(self, assets: Assets | None, *, may_ask: bool = True) -> None:
        self._assets, self._may_ask = assets, may_ask
        self._told: dict[Place, tuple[str, ...] | None] = {}
        self._failures = 0
        self.refused = ""

    def at(self, place: Place) -> tuple[str, ...] | None:
        """Numbers of the open orders there that are not ours; None: nobody can say now.

        A place that the ERP refuses is logged and stops no other one. A refused user ends the asking at once
        (`refused` says why), an ERP that does not answer after three places.

        Args:
            place: Functional location and equipment number; both empty: nowhere, and no order is there.
        """
        if not any(place):
            return ()
        if place not in self._told:
            self._told[place] = self._ask(place)
        return self._told[place]

    def is_unsure(self, place: Place) -> bool:
        """The ERP tells of orders of others, and does not say now whether there are any."""
        return self._assets is not None and self.at(place) is None

    def _ask(self, place: Place) -> tuple[str, ...] | None:
        if self._assets is None or not self._may_ask:
            return None
        try:
            found = self._assets.open_orders(*place)
        except RetriableError as err:
            self._failures += 1
            self._may_ask = self._failures < _FAILURES_IN_A_ROW
            self._tell(place, err)
        except RejectedError as err:
            self._failures = 0
            self._tell(place, err)
        except ConfigError as err:
            self._may_ask, self.refused = False, str(err)
            self._tell(place, err)
        else:
            self._failures = 0
            return tuple(str(order.number) for order in found if not order.key.startswith(_OURS))
        return None

    @staticmethod
    def _tell(place: Place, err: Exception) -> None:
        log("planning").warning("plan.assets_not_read", location=place[0], equipment=place[1], error=str(err))
