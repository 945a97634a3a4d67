"""Proposes, approves and writes to the audit as one of several processes; run by test_exactly_once.

Arguments: the store's URL, the site, how many machines, and the budget. All processes want the same.
"""

import datetime as dt
import sys

from features.core.statements import Action, Recommendation, Rung, order_key
from serving.orders import MaintenanceRequest
from serving.store import Budget, Store

T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)


def main() -> None:
    url, site, count, most = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    store, budget = Store(url), Budget(most, T - dt.timedelta(days=7))
    for number in range(count):
        machine = f"{site}-{number:03}"
        recommendation = Recommendation(
            *(machine, "DE", Action.REPLACE, "bearing", 2, "why", T, T),
            *(None, None, None, None, "EUR", Rung.NONE),
        )
        key = order_key(site, machine, "DE", "bearing", 1)
        request = MaintenanceRequest(
            key, site, machine, "DE", "W1", "", Action.REPLACE, "bearing", 2, "title", "why", T
        )
        store.propose(recommendation, request, episode=1, now=T, budget=budget)
        held = store.latest(machine, "DE", "bearing")
        assert held is not None
        if held.state == "proposed":
            store.approve(held.id, "planner", T)
    store.close()


if __name__ == "__main__":
    main()
