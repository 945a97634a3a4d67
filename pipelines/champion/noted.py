"""A verdict from what was noted at two trainings, where nothing else is known."""

from features.core.models import ModelRegistry, ModelVersion
from pipelines.champion.verdict import Rules, Verdict
from pipelines.training import TrainedModel

__all__ = ["NOTED_TOLERANCE", "by_notes"]

# How much larger a noted error may be where nothing else is known: folds and lives of two trainings differ.
NOTED_TOLERANCE = 0.05


def by_notes(
    registry: ModelRegistry, present: ModelVersion | None, trained: TrainedModel, rules: Rules
) -> Verdict:
    """A verdict from the figures noted at the trainings alone."""
    against, reason = (None, "first version") if present is None else _noted(registry, present, trained, rules)
    return Verdict(
        candidate=trained.version,
        champion="" if present is None else present.version,
        passed=against is None,
        reasons=(against or reason,),
    )


def _noted(
    registry: ModelRegistry, present: ModelVersion, trained: TrainedModel, rules: Rules
) -> tuple[str | None, str]:
    """What speaks against the challenger, if anything, and else the reason for it."""
    tags = registry.tags(present.name, present.version)
    if tags.get("fingerprint") != trained.artefact.fingerprint:
        return None, f"version {present.version} needs a feature set that is no longer made"
    if tags.get("calibrated") == "true" and not trained.artefact.calibration.calibrated:
        return f"version {present.version} has a calibrated band, this one has none", ""
    if "cv_error" not in tags:
        return None, f"version {present.version} has no forests to compare with"
    error, known = trained.metrics.get("cv_rmse"), float(tags["cv_error"])
    if error is None:
        return f"no cross-validated error to compare with the {known:.4g} of version {present.version}", ""
    words = f"cross-validated error {error:.4g} against {known:.4g} of version {present.version}"
    return (words if error > known * (1.0 + NOTED_TOLERANCE) else None), words
