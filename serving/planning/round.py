"""What all steps of one round of planning share: its report, and how it writes to the store."""

import datetime as dt
from dataclasses import dataclass, field, replace

from features.core.statements import Recommendation
from serving.orders import MaintenanceRequest, RecommendationState
from serving.planning.cases import Case
from serving.planning.limits import Limits
from serving.planning.others import OrdersOfOthers
from serving.planning.requests import request_for
from serving.planning.rules import PlanRules
from serving.settings import ErpSettings
from serving.store import Store, StoredRecommendation

__all__ = ["UNLIMITED", "PlanReport", "Round", "Wish"]


# Without settings of an ERP: nothing is counted, nothing is a storm.
UNLIMITED = Limits(ErpSettings(storm_machines=1_000_000))


@dataclass(slots=True)
class PlanReport:
    """What a plan did, by order key; `held` are those it deliberately did not make again.

    `reasons` says for each component without an action why. `approved` went without a person, `linked` are
    covered by an order of others, `storms` are incidents that were opened, as `site/class`. `refused` is why the
    ERP refused our user when it was asked for the orders of others; empty: it did not.
    """

    components: int = 0
    no_action: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    proposed: list[str] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    storms: list[str] = field(default_factory=list)
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A recommendation that should be before people; `held` is the stored one that waited so far."""

    case: Case
    decision: Recommendation
    episode: int
    held: StoredRecommendation | None = None

    @property
    def urgency(self) -> tuple[int, dt.datetime, str]:
        """The most urgent first."""
        wanted = self.decision
        return wanted.priority, wanted.p10_at or wanted.due, self.case.machine.id


@dataclass(frozen=True, slots=True)
class Round:
    """Where, when, by which rules; what it has found and done so far."""

    store: Store
    now: dt.datetime
    others: OrdersOfOthers
    target: str
    rules: PlanRules
    limits: Limits
    report: PlanReport
    wishes: list[Wish] = field(default_factory=list)

    def place_of(self, case: Case) -> tuple[str, str]:
        """Functional location and equipment number of its machine in the ERP."""
        return self.limits.mapping.place_of(case.machine)

    def request(self, case: Case, decision: Recommendation, episode: int) -> MaintenanceRequest:
        """What is to be written to the ERP."""
        return request_for(decision, case, episode=episode, target=self.target, place=self.place_of(case))

    def replace(self, held: StoredRecommendation, decision: Recommendation, case: Case) -> None:
        """Let an open recommendation say what `decision` says; its priority never falls."""
        decision = replace(decision, priority=min(decision.priority, held.recommendation.priority))
        self.store.revise(held.id, decision, self.request(case, decision, held.episode), now=self.now)

    def move(self, held: StoredRecommendation, state: RecommendationState, why: str) -> StoredRecommendation:
        """Set the state of an open recommendation, if nobody else was faster."""
        return self.store.move(held.id, state, expected=held.state, detail=why, now=self.now, actor="planning")
