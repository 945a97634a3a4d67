"""Pictures of out-of-fold answers, drawn without a display."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipelines.evaluation import Answers, Judgement, bands_of
from pipelines.evaluation.decisions import Outcome
from pipelines.evaluation.errors import bias
from pipelines.evaluation.scored import NOMINAL

__all__ = ["draw", "unit_words"]

# Colours that stay apart for colour-blind readers (Okabe and Ito, 2008).
_BLUE, _ORANGE, _GREY, _GREEN = "#0072b2", "#d55e00", "#8c8c8c", "#009e73"

_UNITS = {"running_h": "running hours", "calendar_h": "hours", "cycle": "cycles"}

# Lives in the fan: the best, the worst and those in between.
_FANS = 6


def unit_words(life_unit: str) -> str:
    """A life unit for people.

    Example:
        >>> unit_words("running_h")
        'running hours'
    """
    return _UNITS.get(life_unit, life_unit)


def draw(judgement: Judgement, life_unit: str, folder: Path) -> list[Path]:
    """Writes the pictures and gives their paths.

    Predicted against true, error along the life, the fan along the life of several lives, lead times and costs;
    where there is a calibrated band coverage by band and calibration, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    answers, unit = judgement.answers, unit_words(life_unit)
    pictures = {
        "predicted_vs_true": _predicted_vs_true(answers, unit),
        "error_along_life": _error_along_life(answers, unit),
        "fan_along_life": _fans(answers, judgement.tables["lives"]["life"].to_list(), unit),
        "costs": _costs(judgement.tables["decisions"]),
    }
    if answers.p10 is not None and answers.p90 is not None:
        pictures["coverage_by_band"] = _coverage(judgement.tables["bands"], unit)
        pictures["calibration"] = _calibration(answers, unit)
        pictures["lead_times"] = _lead_times(judgement.outcomes["wearcast"])
    files = []
    for name, figure in pictures.items():
        files.append(folder / f"{name}.png")
        FigureCanvasAgg(figure).print_png(str(files[-1]), metadata={"Software": None})
    return files


def _axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 4.4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=11)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _predicted_vs_true(answers: Answers, unit: str) -> Figure:
    figure, axes = _axes(
        f"Answers to {np.unique(answers.unit).size} lives not seen in training",
        f"true RUL up to the cap, {unit}",
        f"predicted mean, {unit}",
    )
    truth = np.minimum(answers.rul, answers.cap)
    axes.scatter(truth, answers.mean, s=5, alpha=0.15, linewidths=0, color=_BLUE, rasterized=True)
    edges = np.linspace(0.0, answers.cap, 13)
    place = np.clip(np.searchsorted(edges, truth, side="right") - 1, 0, edges.size - 2)
    parts = [answers.mean[place == number] for number in range(edges.size - 1)]
    known = [number for number, part in enumerate(parts) if part.size]
    middle = (edges[:-1] + edges[1:])[known] / 2
    low, median, high = np.array([np.quantile(parts[number], [0.1, 0.5, 0.9]) for number in known]).T
    axes.plot(middle, median, color=_ORANGE, linewidth=1.8, label="median of the answers")
    axes.plot(middle, low, color=_ORANGE, linewidth=1, linestyle="--", label="8 of 10 answers lie between")
    axes.plot(middle, high, color=_ORANGE, linewidth=1, linestyle="--")
    axes.plot([0, answers.cap], [0, answers.cap], color="black", linewidth=1, label="exact")
    axes.set_ylim(top=1.3 * answers.cap)
    axes.legend(fontsize=8, loc="upper left")
    return figure


def _error_along_life(answers: Answers, unit: str) -> Figure:
    figure, axes = _axes(
        "Error as the end comes near, one line a life",
        f"true RUL, {unit}",
        f"predicted - true up to the cap, {unit}",
    )
    truth = np.minimum(answers.rul, answers.cap)
    for life in np.unique(answers.unit):
        rows = answers.unit == life
        axes.plot(answers.rul[rows], (answers.mean - truth)[rows], linewidth=0.6, alpha=0.35, color=_BLUE)
    axes.axhline(0.0, color="black", linewidth=1)
    axes.axvline(answers.cap, color=_GREY, linewidth=1, linestyle=":")
    axes.set_xlim(min(float(answers.rul.max()), 2.0 * answers.cap), 0.0)
    axes.text(
        0.02,
        0.97,
        "above 0: late, more life promised than there was",
        transform=axes.transAxes,
        va="top",
        fontsize=8,
    )
    axes.text(answers.cap, axes.get_ylim()[0], " cap", fontsize=8, color=_GREY, va="bottom")
    return figure


def _fans(answers: Answers, worst_first: Sequence[str], unit: str) -> Figure:
    """Lives from the best to the worst answered, evenly spread."""
    ranked = list(reversed(worst_first))
    picks = np.unique(np.linspace(0, len(ranked) - 1, min(_FANS, len(ranked))).round().astype(int))
    figure = Figure(figsize=(9.6, 5.4), dpi=110, layout="constrained")
    figure.suptitle("The answer along the life, from the best answered life to the worst", fontsize=11)
    panels = figure.subplots(2, 3, sharey=True, squeeze=False).ravel()
    for panel in panels[picks.size :]:
        panel.set_axis_off()
    for axes, pick in zip(panels, picks, strict=False):
        rows = np.flatnonzero(answers.unit == ranked[pick])
        rows = rows[np.argsort(-answers.rul[rows], kind="stable")]
        passed = answers.rul[rows[0]] - answers.rul[rows]
        if answers.p10 is not None and answers.p90 is not None:
            axes.fill_between(passed, answers.p10[rows], answers.p90[rows], color=_BLUE, alpha=0.25, linewidth=0)
        axes.plot(passed, answers.p50[rows], color=_BLUE, linewidth=1.4)
        axes.plot(passed, np.minimum(answers.rul[rows], answers.cap), color="black", linewidth=1)
        axes.set_title(f"{ranked[pick]} (rank {pick + 1} of {len(ranked)})", fontsize=8)
        axes.grid(color="#e5e5e5", linewidth=0.6)
        axes.tick_params(labelsize=8)
    figure.supxlabel(f"{unit} since the first row", fontsize=9)
    figure.supylabel(f"RUL, {unit}", fontsize=9)
    band = "blue area P10 to P90, " if answers.p10 is not None else ""
    figure.text(0.995, 0.005, f"black: true up to the cap; {band}blue line P50", ha="right", fontsize=8)
    return figure


def _coverage(bands: pl.DataFrame, unit: str) -> Figure:
    figure, axes = _axes(
        "Does P10 to P90 cover 80 % of the truths?", f"true RUL, {unit}", "share of truths inside, lives alike"
    )
    rows = bands.filter(pl.col("coverage80").is_finite()).to_dicts()
    labels = [f"{_span(row)}\n{row['lives']} lives" for row in rows]
    shares = np.array([row["coverage80"] for row in rows])
    miss = [[abs(row[f"coverage80_{end}95"] - row["coverage80"]) for row in rows] for end in ("low", "high")]
    colours = [_GREY if row["band"] in ("below the cap", "all") else _BLUE for row in rows]
    axes.bar(labels, shares, color=colours, width=0.62)
    axes.errorbar(labels, shares, yerr=np.nan_to_num(miss), fmt="none", ecolor="black", capsize=3, linewidth=1)
    for place, row in enumerate(rows):
        axes.text(
            place,
            0.03,
            f"{row['coverage80']:.2f}\nwidth\n{row['width80']:.3g}",
            ha="center",
            color="white",
            fontsize=8,
        )
    axes.axhline(NOMINAL, color=_ORANGE, linewidth=1.4, label="promised: 0.80")
    axes.set_ylim(0.0, 1.08)
    axes.tick_params(axis="x", labelsize=8)
    axes.legend(fontsize=8, loc="upper left", ncols=2)
    return figure


def _span(row: dict[str, object]) -> str:
    if row["band"] == "cap":
        return f"{row['from']:.0f} and more"
    return str(row["band"]) if row["band"] in ("below the cap", "all") else f"{row['from']:.0f} to {row['to']:.0f}"


def _calibration(answers: Answers, unit: str) -> Figure:
    """How often the truth lay at or below each quantile, against how often it should, by the predicted median.

    Rows are told apart by what was predicted, because that is what a quantile promises something of. The truth
    is not cut at the cap here: where P50 is the cap, more than half of the truths lie above it.
    """
    figure, axes = _axes(
        "Calibration: do the quantiles hold what they say?",
        "promised share of truths below",
        "share found, lives alike",
    )
    levels, lines = (0.1, 0.5, 0.9), zip(bands_of(answers.cap), (_BLUE, _GREEN, _ORANGE, _GREY), strict=True)
    for band, colour in lines:
        said = answers.at(band.holds(answers.p50))
        if not said.unit.size:
            continue
        quantiles = [quantile for quantile in (said.p10, said.p50, said.p90) if quantile is not None]
        found = [bias((said.rul <= quantile).astype(np.float64), said.unit) for quantile in quantiles]
        lives = np.unique(said.unit).size
        name = f"{band.low:.0f} to {band.high:.0f}" if np.isfinite(band.high) else f"{band.low:.0f} and more"
        axes.plot(levels, found, marker="o", color=colour, label=f"{name} {unit}, {lives} lives")
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, label="exact")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xticks(levels, ["P10: 0.1", "P50: 0.5", "P90: 0.9"])
    axes.legend(fontsize=8, loc="upper left", title="predicted P50", title_fontsize=8)
    note = f"at the cap ({answers.cap:.0f}) a quantile says 'that long or longer':\nless is found below it"
    axes.text(0.98, 0.03, note, transform=axes.transAxes, ha="right", fontsize=8)
    return figure


def _lead_times(told: Sequence[Outcome]) -> Figure:
    in_time = [one.lead_days for one in told if one.replaced_us is not None]
    too_late = [one.lead_days for one in told if one.replaced_us is None and one.alarm_us is not None]
    never = len(told) - len(in_time) - len(too_late)
    figure, axes = _axes(
        f"Lead time of the call before the failure; never called: {never} of {len(told)}",
        "days from the call to the failure",
        "lives",
    )
    everything = [*in_time, *too_late]
    if everything:
        edges = np.linspace(0.0, max(everything), 21)
        axes.hist(
            [in_time, too_late],
            bins=edges.tolist(),
            stacked=True,
            color=[_BLUE, _ORANGE],
            label=[f"replaced in time: {len(in_time)}", f"called too late: {len(too_late)}"],
        )
        axes.axvline(
            float(np.median(everything)),
            color="black",
            linewidth=1,
            label=f"median {np.median(everything):.3g} days",
        )
        axes.legend(fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _costs(table: pl.DataFrame) -> Figure:
    figure, axes = _axes(
        "What acting on it costs, with 95 % intervals by life",
        "cost of one component a year, in the site's currency",
        "",
    )
    rows = list(reversed(table.to_dicts()))
    names = [f"{row['policy']}\nmissed {row['missed']:.0%}" for row in rows]
    costs = np.array([row["cost_a_year"] for row in rows])
    miss = [[abs(row[f"cost_a_year_{end}95"] - row["cost_a_year"]) for row in rows] for end in ("low", "high")]
    colours = [_BLUE if row["policy"] == "wearcast" else _GREY for row in rows]
    axes.barh(names, costs, color=colours, height=0.62)
    axes.errorbar(costs, names, xerr=np.nan_to_num(miss), fmt="none", ecolor="black", capsize=3, linewidth=1)
    axes.tick_params(axis="y", labelsize=8)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return figure
