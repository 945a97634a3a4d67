"""Where not to trust a model, and when it refuses."""

import polars as pl

from features.rul.artefact import Artefact
from pipelines.evaluation import Judgement
from pipelines.evaluation.scored import ENOUGH, NOMINAL

__all__ = ["limits", "refusals"]

# A coverage short by less is not told as a fault.
_LITTLE = 0.05


def limits(artefact: Artefact, judgement: Judgement | None, unit: str) -> list[str]:
    """What no figure tells: modes never seen, suspended lives, the cap, the worst life, thin bands."""
    lines = [
        "## Where not to trust it",
        "",
        "- A failure mode that no training life had looks healthy to it.",
        "- Suspended lives are in the class prior, and where they outlived the cap. Parts that were replaced "
        "because they looked worn make both too optimistic.",
        "- A coverage is an average over lives like the training lives, not a promise for one machine.",
        f"- Above {artefact.rul_cap:.4g} {unit} the answer is a floor, not a forecast.",
    ]
    if judgement is not None:
        worst = judgement.tables["lives"].row(0, named=True)
        lines.append(f"- The worst answered life is {worst['life']}: RMSE {worst['rmse_model']:.4g} {unit}.")
        lines += [
            f"- Where {row['from']:.4g} to {row['to']:.4g} {unit} were left the range held "
            f"{row['coverage80']:.0%} of the truths, not {NOMINAL:.0%} ({row['lives']} lives): too few."
            for row in _too_narrow(judgement.tables["bands"])
        ]
        few = judgement.tables["bands"].filter(~pl.col("enough"))["band"].to_list()
        if few:
            lines.append(f"- Fewer than {ENOUGH} lives stand behind these bands: {', '.join(few)}.")
    return [*lines, ""]


def _too_narrow(bands: pl.DataFrame) -> list[dict[str, float]]:
    """Bands in which the range surely holds less than it promises, by more than a little."""
    short = bands.filter(
        ~pl.col("band").is_in(["all", "below the cap", "cap"]),
        pl.col("coverage80") < NOMINAL - _LITTLE,
        pl.col("coverage80_high95") < NOMINAL,
    )
    return short.to_dicts()


def refusals(artefact: Artefact) -> list[str]:
    """When a number is refused, with the reason's name."""
    domain = artefact.domain
    return [
        "## When it refuses",
        "",
        f"- fewer than {artefact.min_rows} feature rows in a life (`too_few_windows`), or the newest is stale "
        "(`stale_data`)",
        f"- more than {domain.tolerated_share:.0%} of its inputs outside the range of the training lives "
        "(`out_of_domain`)",
        f"- more than {domain.tolerated_missing:.0%} of the usual inputs missing (`missing_input`)",
        "- another feature set than its own (`fingerprint_mismatch`), a sensor fault, a machine that stands still",
        "",
        "A refusal has no number; the condition may still be told.",
        "",
    ]
