"""Liveness and readiness; open to everybody, so that a supervisor needs no token."""

import threading
import time

from fastapi import APIRouter, Request, Response

from serving.predictor.context import Context
from serving.predictor.readiness import check_all
from serving.schemas.answers import Readiness, ReadyCheck

__all__ = ["ReadinessDesk", "router"]

router = APIRouter(prefix="/health", tags=["health"])
# Seconds an answer is repeated: the path needs no token, so it must not be a way to keep the disk busy.
REPEAT_S = 1.0


class ReadinessDesk:
    """Answers whether everything holds, and repeats itself for a moment.

    Args:
        context: What is checked.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._held: Readiness | None = None
        self._until = 0.0

    def answer(self) -> Readiness:
        """Every check with its reason."""
        with self._lock:
            if self._held is None or time.monotonic() > self._until:
                checks = check_all(self._context, self._context.clock.now())
                self._held = Readiness(
                    status="ready" if all(check.ok for check in checks) else "not_ready",
                    checks=[ReadyCheck(name=check.name, ok=check.ok, reason=check.reason) for check in checks],
                )
                self._until = time.monotonic() + REPEAT_S
            return self._held


@router.get("/live", summary="The process answers")
async def live() -> dict[str, str]:
    """Always `{"status": "live"}`; needs no token."""
    return {"status": "live"}


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness, "description": "Not ready"}})
def ready(request: Request, response: Response) -> Readiness:
    """Lake readable, store migrated, champions loaded, data fresh: each with its reason; needs no token."""
    desk: ReadinessDesk = request.app.state.readiness
    answer = desk.answer()
    response.status_code = 200 if answer.status == "ready" else 503
    return answer
