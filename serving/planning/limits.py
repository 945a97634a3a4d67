"""How much a site can take, how far it has gone, and what looks like a problem of the data."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from features.core.plant import Machine
from features.core.statements import Recommendation
from features.core.telemetry import log
from serving.orders import NO_MAPPING
from serving.planning.cases import Case
from serving.planning.mapping import AssetMap
from serving.settings import ErpSettings
from serving.store import IncidentKind, Precision, Store

__all__ = ["Limits", "Storms"]

WEEK, DAY = dt.timedelta(days=7), dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings of the ERP say about sites.

    Attributes:
        erp: Modes, budgets, storm, automatic classes.
        mapping: Confirmed equipment of the ERP, by machine.
    """

    erp: ErpSettings = field(default_factory=ErpSettings)
    mapping: AssetMap = field(default_factory=AssetMap)

    def unmapped(self, machine: Machine, site_id: str) -> str:
        """Why nothing may be written for a machine; empty: it is mapped, or nothing is written anyway."""
        if not self.erp.writes_for(site_id) or any(self.mapping.place_of(machine)):
            return ""
        return f"{machine.id} {NO_MAPPING}: wearcast erp assets match"

    def goes_unasked(self, site_id: str, recommendation: Recommendation, measured: Precision) -> bool:
        """Whether it may be approved without a person: the site and class are automatic, and precise enough."""
        erp, own = self.erp, self.erp.sites.get(site_id)
        if erp.mode_of(site_id) != "automatic" or own is None:
            return False
        share = measured.share
        return (
            recommendation.failure_mode in own.automatic_classes
            and measured.judged >= erp.automatic_orders
            and share is not None
            and share >= erp.automatic_precision
        )


class Storms:
    """Many machines of a class at once: a sensor or historian problem is likelier than many failures.

    Args:
        store: Holds what was made before, and incidents.
        erp: How many are many.
        machines: Site and class -> number of machines that have it.
        now: Moment of the plan.
    """

    def __init__(
        self, store: Store, erp: ErpSettings, machines: Mapping[tuple[str, str], int], now: dt.datetime
    ) -> None:
        self._store, self._erp, self._machines, self._now = store, erp, machines, now
        self._open = {one.subject for one in store.incidents.unclosed(IncidentKind.STORM)}

    def look(self, wanted: Sequence[tuple[Case, Recommendation]]) -> list[str]:
        """Open an incident for every site and class that so many machines are wanted for; those opened now."""
        at_once: dict[tuple[str, str], set[str]] = defaultdict(set)
        for case, recommendation in wanted:
            at_once[case.context.site.id, recommendation.failure_mode].add(case.machine.id)
        opened = []
        for (site_id, class_id), machines in sorted(at_once.items()):
            subject = f"{site_id}/{class_id}"
            machines |= self._store.holds.machines_since(site_id, class_id, self._now - DAY)
            least = max(self._erp.storm_machines, self._erp.storm_share * self._machines[site_id, class_id])
            if len(machines) < least or subject in self._open:
                continue
            if self._store.incidents.closed_since(IncidentKind.STORM, subject, self._now - DAY):
                continue
            message = (
                f"{len(machines)} of {self._machines[site_id, class_id]} machines at {site_id} want a {class_id} "
                "order within a day: look at sensors and historian first; no order is made until this is closed"
            )
            detail = {"machines": sorted(machines)}
            self._store.incidents.open(IncidentKind.STORM, subject, message, detail, now=self._now)
            log("planning").error("plan.storm", subject=subject, machines=len(machines))
            self._open.add(subject)
            opened.append(subject)
        return opened

    def reason(self, case: Case, recommendation: Recommendation) -> str:
        """Why nothing is proposed while such an incident is open; empty: none is."""
        subject = f"{case.context.site.id}/{recommendation.failure_mode}"
        return f"many machines at once: incident {subject} is open" if subject in self._open else ""
