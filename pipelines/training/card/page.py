"""The card in one piece, and back from a run."""

import tempfile
from pathlib import Path

from features.core.models import ModelRegistry, ModelVersion
from features.rul.artefact import Artefact
from pipelines.evaluation import Judgement
from pipelines.training.card.figures import figures
from pipelines.training.card.limits import limits, refusals
from pipelines.training.card.provenance import Provenance, origin
from pipelines.training.card.purpose import by_age, purpose, seen

__all__ = ["CARD", "card", "read_card"]

# As it lies in the run.
CARD = "model_card.md"

_UNITS = {"running_h": "running hours", "calendar_h": "hours", "cycle": "cycles"}


def card(artefact: Artefact, judgement: Judgement | None, provenance: Provenance) -> str:
    """The card in Markdown; without a judgement (no forests) it says what the condition alone can do."""
    unit = _UNITS.get(artefact.life_unit, artefact.life_unit)
    lines = [
        f"# {artefact.name}",
        "",
        *purpose(artefact, unit),
        *seen(artefact, provenance, unit),
        *by_age(artefact, unit),
        *([] if judgement is None else figures(judgement, unit)),
        *limits(artefact, judgement, unit),
        *refusals(artefact),
        *origin(artefact, provenance),
    ]
    return "\n".join(lines)


def read_card(registry: ModelRegistry, version: ModelVersion) -> str | None:
    """The card of a registered version; None: its run has none."""
    with tempfile.TemporaryDirectory() as space:
        files = registry.run_files(version, [CARD], Path(space))
        return files[0].read_text(encoding="utf-8") if files else None
