"""What a model is for, what it has seen, and what the age alone says."""

from features.registry.words import fault_words
from features.rul.artefact import Artefact
from features.rul.prior import fitted_prior
from pipelines.evaluation.scored import ENOUGH
from pipelines.training.card.markdown import markdown_table, number
from pipelines.training.card.provenance import Provenance

__all__ = ["by_age", "purpose", "seen"]


def purpose(artefact: Artefact, unit: str) -> list[str]:
    """What the model is for, and whether its range is calibrated."""
    calibration = artefact.calibration
    lines = [
        f"Says how many {unit} a component of class `{artefact.component_class}` has left until it fails: a mean, "
        "a median, and where enough lives were seen a range from P10 to P90. It is for planning replacements in "
        "maintenance windows. It is not for protecting people or machines: an alarm limit and a trip stay where "
        "they are.",
        "",
    ]
    if artefact.transfer is not None:
        lines += [
            f"Its answers stand on what was left to {artefact.failed_units} failed lives at the same stage of "
            "their life (no forests: too few lives).",
            "",
        ]
    elif not artefact.forests:
        by_age = fitted_prior(artefact) is not None
        head = "**Remaining life by age alone.**" if by_age else "**No remaining life.**"
        told = "the condition, from a component's own healthy time, is told"
        told += ", and what its age leaves, which plans no work" if by_age else ""
        return [
            *lines,
            f"{head} {artefact.failed_units} failed lives are too few to learn from measurements: only {told}.",
            "",
        ]
    if calibration.calibrated:
        return [
            *lines,
            f"The range is calibrated on {calibration.units} failed lives to hold {calibration.nominal:.0%} of "
            "the truths over whole lives; the table of bands below tells where it holds more or less.",
            "",
        ]
    return [
        *lines,
        f"**Not calibrated ({calibration.units} units).** {calibration.units} failed lives are too few for a "
        f"range that can be trusted ({ENOUGH} are asked for), so none is given: no P10, no P90, and no "
        "replacement is recommended from a number of this model.",
        "",
    ]


def seen(artefact: Artefact, provenance: Provenance, unit: str) -> list[str]:
    """The lives and features behind the model."""
    suspended = artefact.trained_units - artefact.failed_units
    left_out = [
        f"{len(names)} {what} ({', '.join(names)})" for what, names in provenance.excluded.items() if names
    ]
    return [
        "## What it has seen",
        "",
        f"- {artefact.trained_units} lives in {provenance.rows:,} feature rows, known at {artefact.as_of}",
        f"- {artefact.failed_units} of them failed{_repaired(provenance.repaired)}; {suspended} were suspended or "
        "still run",
        f"- {len(artefact.inputs)} of {len(artefact.feature_names)} features, set `{artefact.fingerprint}`",
        f'- taught up to {artefact.rul_cap:.6g} {unit}; beyond that it says only "that long or longer"',
        f"- left out on purpose: {'; '.join(left_out) or 'nothing'}",
        *_past(artefact),
        "",
    ]


def _repaired(lives: int) -> str:
    """How many failed lives ended before the failure; their remaining life is a little too short."""
    return f" ({lives} of these were found faulty and repaired before: learnt as failed then)" if lives else ""


def _past(artefact: Artefact) -> list[str]:
    """Which lives a prediction may name as those that its component looks like."""
    if artefact.past is None:
        return []
    failed = sum(life.failed for life in artefact.past.lives)
    told = ", ".join(f"`{name}`" for name in artefact.past.inputs)
    return [
        f"- names lives that looked like a component's own: {failed} that failed and "
        f"{len(artefact.past.lives) - failed} that were taken out before, compared by {told}"
    ]


def by_age(artefact: Artefact, unit: str) -> list[str]:
    """The class prior and its failure modes; nothing where no life failed."""
    prior = fitted_prior(artefact)
    if prior is None:
        return []
    rows = [
        [
            fault_words(one.mode),
            f"{one.failures}",
            f"{one.failures / prior.failures:.0%}",
            number(one.median),
            number(one.shape, 2),
        ]
        for one in sorted(prior.modes, key=lambda one: -one.failures)
    ]
    told = markdown_table(["failure mode", "failures", "share", f"typical life, {unit}", "Weibull shape"], rows)
    return [
        "## What the age alone says",
        "",
        f"Half of the parts reach {number(prior.median)} {unit} (Weibull shape {number(prior.shape, 2)}, "
        f"failures of known age: {prior.failures}). It answers where no model speaks, unless the plant file "
        "declares a `prior`.",
        "",
        *(
            ["Failure modes that five failures or more name; a life of each if it alone ended parts:", ""]
            if rows
            else []
        ),
        *([*told, ""] if rows else []),
    ]
