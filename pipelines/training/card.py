"""The model card: what a model is for, what it has seen, how good it is beside what, where not to trust it."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.core.models import ModelRegistry, ModelVersion
from features.registry.words import fault_words
from features.rul.artefact import Artefact
from features.rul.prior import fitted_prior
from pipelines.evaluation import Judgement
from pipelines.evaluation.scored import ENOUGH

__all__ = ["CARD", "Provenance", "card", "read_card"]

# As it lies in the run.
CARD = "model_card.md"

_UNITS = {"running_h": "running hours", "calendar_h": "hours", "cycle": "cycles"}
_WHO = {
    "model": "the model",
    "model's median": "the model's median",
    "constant_median": "constant median",
    "weibull_age": "age-only Weibull",
    "last_row": "last row",
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a model comes from, beside what its artefact says.

    Attributes:
        rows: Feature rows in lives.
        excluded: What was left out on purpose, e.g. `units` -> lives.
        code_version: Package version, with the commit where known.
        seeds: What was drawn -> seed.
        looks: Looks at test data of the class so far.
        tuned: Where the parameters come from, in a few words; empty: the defaults.
    """

    rows: int
    excluded: Mapping[str, Sequence[str]]
    code_version: str
    seeds: Mapping[str, int]
    looks: int
    tuned: str = ""

    def table(self, artefact: Artefact) -> pl.DataFrame:
        """All of it as a table of two columns."""
        facts: dict[str, object] = {
            "as_of": artefact.as_of,
            "fingerprint": artefact.fingerprint,
            "code_version": self.code_version,
            "rows": self.rows,
            "lives": artefact.trained_units,
            "failed_lives": artefact.failed_units,
            "parameters": self.tuned or "defaults",
            "looks_at_test_data": self.looks,
            **{f"seed.{what}": seed for what, seed in self.seeds.items()},
            **{f"table_version.{name}": number for name, number in artefact.table_versions.items()},
            **{f"excluded.{what}": ", ".join(names) for what, names in self.excluded.items() if names},
        }
        return pl.DataFrame({"what": list(facts), "value": [str(value) for value in facts.values()]})


def card(artefact: Artefact, judgement: Judgement | None, provenance: Provenance) -> str:
    """The card in Markdown; without a judgement (no forests) it says what the condition alone can do."""
    unit = _UNITS.get(artefact.life_unit, artefact.life_unit)
    lines = [
        f"# {artefact.name}",
        "",
        *_purpose(artefact, unit),
        *_data(artefact, provenance, unit),
        *_by_age(artefact, unit),
        *([] if judgement is None else _figures(judgement, unit)),
        *_limits(artefact, judgement, unit),
        *_refusals(artefact),
        *_provenance(artefact, provenance),
    ]
    return "\n".join(lines)


def read_card(registry: ModelRegistry, version: ModelVersion) -> str | None:
    """The card of a registered version; None: its run has none."""
    with tempfile.TemporaryDirectory() as space:
        files = registry.run_files(version, [CARD], Path(space))
        return files[0].read_text(encoding="utf-8") if files else None


def _purpose(artefact: Artefact, unit: str) -> list[str]:
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
            "the truths.",
            "",
        ]
    return [
        *lines,
        f"**Not calibrated ({calibration.units} units).** {calibration.units} failed lives are too few for a "
        f"range that can be trusted ({ENOUGH} are asked for), so none is given: no P10, no P90, and no "
        "replacement is recommended from a number of this model.",
        "",
    ]


def _data(artefact: Artefact, provenance: Provenance, unit: str) -> list[str]:
    suspended = artefact.trained_units - artefact.failed_units
    left_out = [
        f"{len(names)} {what} ({', '.join(names)})" for what, names in provenance.excluded.items() if names
    ]
    return [
        "## What it has seen",
        "",
        f"- {artefact.trained_units} lives in {provenance.rows:,} feature rows, known at {artefact.as_of}",
        f"- {artefact.failed_units} of them failed; {suspended} were suspended or still run",
        f"- {len(artefact.inputs)} of {len(artefact.feature_names)} features, set `{artefact.fingerprint}`",
        f'- taught up to {artefact.rul_cap:.6g} {unit}; beyond that it says only "that long or longer"',
        f"- left out on purpose: {'; '.join(left_out) or 'nothing'}",
        "",
    ]


def _by_age(artefact: Artefact, unit: str) -> list[str]:
    """The class prior and its failure modes; nothing where no life failed."""
    prior = fitted_prior(artefact)
    if prior is None:
        return []
    rows = [
        [
            fault_words(one.mode),
            f"{one.failures}",
            f"{one.failures / prior.failures:.0%}",
            _number(one.median),
            _number(one.shape, 2),
        ]
        for one in sorted(prior.modes, key=lambda one: -one.failures)
    ]
    told = _table(["failure mode", "failures", "share", f"typical life, {unit}", "Weibull shape"], rows)
    return [
        "## What the age alone says",
        "",
        f"Half of the parts reach {_number(prior.median)} {unit} (Weibull shape {_number(prior.shape, 2)}, "
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


def _figures(judgement: Judgement, unit: str) -> list[str]:
    return [
        "## How good it is",
        "",
        "Answers to lives that were not seen in training (grouped cross-validation). Every life weighs the same. "
        "In brackets 95 % intervals, drawn by life. *Clipped*: the truth is cut at the cap; *raw*: it is not, and "
        f"no answer can follow it beyond the cap. Errors in {unit}; positive bias is late: more life was promised "
        "than there was.",
        "",
        *_accuracy(judgement.tables["accuracy"]),
        *_spread(judgement),
        "",
        "### Per band of the true remaining life",
        "",
        *_bands(judgement.tables["bands"]),
        "",
        "### Beside the baselines, and where they win",
        "",
        *_wins(judgement),
        "",
        "### As the end comes near",
        "",
        *_prognostics(judgement.tables["prognostics"], unit),
        "",
        "### What acting on it would have cost",
        "",
        *_decisions(judgement.tables["decisions"]),
        "",
    ]


def _accuracy(table: pl.DataFrame) -> list[str]:
    rows = [
        [
            _WHO.get(row["who"], row["who"]),
            row["truth"],
            _interval(row, "rmse"),
            _number(row["rmse_pooled"]),
            _interval(row, "mae"),
            _interval(row, "phm08"),
            _interval(row, "bias"),
        ]
        for row in table.iter_rows(named=True)
    ]
    return _table(["answer", "truth", "RMSE", "RMSE, rows alike", "MAE", "PHM08", "bias"], rows)


def _spread(judgement: Judgement) -> list[str]:
    figures = judgement.figures
    told = [f"Over folds the RMSE is {figures['cv_rmse_fold_mean']:.4g}"]
    if "cv_rmse_fold_sd" in figures:
        told[0] += f" with a standard deviation of {figures['cv_rmse_fold_sd']:.3g}"
    if "cv_rmse_repeat_sd" in figures:
        told.append(
            f"over repeats with other folds {figures['cv_rmse_repeat_mean']:.4g} "
            f"with {figures['cv_rmse_repeat_sd']:.3g}"
        )
    return ["", "; ".join(told) + "."]


def _bands(table: pl.DataFrame) -> list[str]:
    rows = []
    for row in table.iter_rows(named=True):
        span = f"{row['from']:.4g} to {row['to']:.4g}"
        name = {"cap": f"at the cap ({row['from']:.4g})", "below the cap": "below the cap", "all": "all"}
        lives = f"{row['lives']}" + ("" if row["enough"] else " (too few to judge a coverage)")
        cells = [name.get(row["band"], span), lives, _interval(row, "bias"), _interval(row, "rmse")]
        has_band = row["coverage80"] == row["coverage80"]
        for column in ("coverage80", "width80", "interval_score80"):
            cells.append(_interval(row, column) if has_band else "none")
        rows.append(cells)
    return _table(["true RUL", "lives", "bias", "RMSE", "coverage (0.80)", "width", "interval score"], rows)


def _wins(judgement: Judgement) -> list[str]:
    table = judgement.tables["baselines"]
    who = [name.removeprefix("rmse_") for name in table.columns if name.startswith("rmse_")]
    rows = []
    for row in table.iter_rows(named=True):
        errors = [_bold(f"{row[f'rmse_{one}']:.4g}", row["best"] == one) for one in who]
        won = ", ".join(f"{_WHO.get(one, one)} {row[f'lives_won_by_{one}']}" for one in who)
        name = {"cap": "at the cap", "all": "all"}.get(row["band"], f"{row['from']:.4g} to {row['to']:.4g}")
        rows.append([name, *errors, won])
    beaten = [row for row in table.iter_rows(named=True) if row["best"] != "model" and row["band"] != "all"]
    told = [
        f"{_WHO.get(row['best'], row['best'])} from {row['from']:.4g} to {row['to']:.4g}"
        if row["band"] != "cap"
        else f"{_WHO.get(row['best'], row['best'])} at the cap"
        for row in beaten
    ]
    lives = judgement.tables["lives"]
    lost = lives.filter(pl.col("best") != "model").height
    verdict = (
        f"**A baseline is better here:** {'; '.join(told)}." if told else "No baseline is better in any band."
    )
    return [
        *_table(
            ["true RUL", *(f"RMSE, {_WHO.get(one, one)}" for one in who), "lives in which each is best"], rows
        ),
        "",
        f"{verdict} In {lost} of {lives.height} lives a baseline was better than the model (table `lives`).",
        "",
        "The baselines: always the median remaining life; a Weibull distribution over age alone; a straight line "
        "through what is measured in the newest row.",
    ]


def _prognostics(table: pl.DataFrame, unit: str) -> list[str]:
    if table.is_empty():
        return ["No life has enough rows below the cap."]
    rows = [
        [
            row["figure"] + ("" if row["lambda"] is None else f" at {row['lambda']:.0%} of the way"),
            f"{row['value']:.3g} ({row['low95']:.3g} to {row['high95']:.3g})",
            unit if row["unit"] == "life units" else row["unit"],
            f"{row['better']} is better",
        ]
        for row in table.iter_rows(named=True)
    ]
    return [*_table(["figure", "value", "in", ""], rows), "", "By Saxena et al. 2010, with a cone of 20 %."]


def _decisions(table: pl.DataFrame) -> list[str]:
    rows = []
    for row in table.iter_rows(named=True):
        lead = "none" if row["lead_days_median"] is None else f"{row['lead_days_median']:.3g}"
        cells = [row["policy"], f"{row['cost_a_year']:,.0f} ({row['cost_a_year_low95']:,.0f} to "]
        cells[1] += f"{row['cost_a_year_high95']:,.0f})"
        cells += [f"{row['missed']:.0%}", f"{row['early']:.0%}", f"{row['life_used']:.0%}", lead]
        rows.append([*cells, f"{row['call_outs_a_week']:.2g}"])
    head = [
        "policy",
        "cost of one component a year",
        "missed failures",
        "early",
        "life used",
        "lead, days",
        "calls/week",
    ]
    return [
        *_table(head, rows),
        "",
        "Costs, windows and lead times are those of the plant file; lives that failed only, so calls that a "
        "healthy part would have caused are not in it. *Early*: more than half of the life was still ahead. The "
        "interval and the threshold were chosen on the other folds; *perfect knowledge* is the last window before "
        "the failure.",
    ]


def _limits(artefact: Artefact, judgement: Judgement | None, unit: str) -> list[str]:
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
        lines.append(f"- The worst answered life is {worst['life']}: RMSE {worst['rmse_model']:.4g}.")
        few = judgement.tables["bands"].filter(~pl.col("enough"))["band"].to_list()
        if few:
            lines.append(f"- Fewer than {ENOUGH} lives stand behind these bands: {', '.join(few)}.")
    return [*lines, ""]


def _refusals(artefact: Artefact) -> list[str]:
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


def _provenance(artefact: Artefact, provenance: Provenance) -> list[str]:
    looks = {0: "never", 1: "once"}.get(provenance.looks, f"{provenance.looks} times")
    rows = [[row["what"], f"`{row['value']}`"] for row in provenance.table(artefact).iter_rows(named=True)]
    return [
        "## Where it comes from",
        "",
        f"Test data of this class was looked at {looks} before this training. What is chosen after a look is "
        "chosen by it.",
        "",
        *_table(["what", "value"], rows),
        "",
    ]


def _interval(row: Mapping[str, float], name: str) -> str:
    low, high = row[f"{name}_low95"], row[f"{name}_high95"]
    value = _number(row[name])
    return value if low != low else f"{value} ({_number(low, 3)} to {_number(high, 3)})"


def _number(value: float, digits: int = 4) -> str:
    """Few digits, and thousands as people write them."""
    return f"{value:,.0f}" if 1000.0 <= abs(value) < 1e7 else f"{value:.{digits}g}"


def _bold(text: str, is_bold: bool) -> str:
    return f"**{text}**" if is_bold else text


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
