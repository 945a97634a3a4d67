"""The model card: what a model is, what it stands on, where it is not to be trusted."""

from collections.abc import Mapping

from features.rul.artefact import Artefact

__all__ = ["card"]


def card(artefact: Artefact, figures: Mapping[str, float], excluded: Mapping[str, list[str]]) -> str:
    """The card in Markdown."""
    calibration = artefact.calibration
    band = (
        f"calibrated on {calibration.units} failed lives to cover {calibration.nominal:.0%}"
        if calibration.calibrated
        else f"none: {calibration.units} failed lives are too few to calibrate one"
    )
    lines = [
        f"# {artefact.name}",
        "",
        f"Remaining useful life of components of class `{artefact.component_class}`, in {artefact.life_unit}.",
        "",
        "## What it stands on",
        f"- Data known at {artefact.as_of}; lake versions {_listed(artefact.table_versions)}",
        f"- {artefact.trained_units} lives, {artefact.failed_units} of them ended in failure",
        f"- {len(artefact.inputs)} of {len(artefact.feature_names)} features, set {artefact.fingerprint}",
        f"- RUL taught up to {artefact.rul_cap:.6g} {artefact.life_unit}",
        f"- Left out on purpose: {_listed(excluded) or 'nothing'}",
        f"- Band P10 to P90: {band}",
        "",
        "## Figures (answers to lives not seen in training, every life weighs the same)",
        *(
            [f"| figure | value |\n|---|---|\n{_table(figures)}"]
            if figures
            else ["No forest: too few failed lives."]
        ),
        "",
        "## Where it is not to be trusted",
        "- Outside the ranges of its training lives it refuses; failure modes it never saw look healthy to it.",
        "- Suspended lives are in the class prior only. Parts that were replaced because they looked worn make",
        "  the prior too optimistic.",
        "- The coverage is an average over lives like the training lives, not a promise for one machine.",
        "",
    ]
    return "\n".join(lines)


def _table(figures: Mapping[str, float]) -> str:
    return "\n".join(f"| {name} | {value:.6g} |" for name, value in sorted(figures.items()))


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()) if value != [])
