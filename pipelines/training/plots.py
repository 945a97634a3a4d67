"""Pictures of out-of-fold answers, drawn without a display."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipelines.evaluation import bands_of
from pipelines.model import OutOfFold

__all__ = ["draw"]

# Share of truths that the band should cover.
_NOMINAL = 0.8


def draw(answers: OutOfFold, figures: Mapping[str, float], life_unit: str, folder: Path) -> list[Path]:
    """Writes the pictures and gives their paths: answers against truth, coverage, error along the life."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "predicted_vs_actual.png", folder / "error_along_life.png"]
    _save(_predicted_vs_actual(answers, life_unit), files[0])
    _save(_error_along_life(answers, life_unit), files[1])
    if answers.p10 is not None:
        files.append(folder / "coverage_per_band.png")
        _save(_coverage(answers, figures, life_unit), files[-1])
    return files


def _axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.5, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes


def _save(figure: Figure, file: Path) -> None:
    FigureCanvasAgg(figure).print_png(str(file), metadata={"Software": None})


def _predicted_vs_actual(answers: OutOfFold, life_unit: str) -> Figure:
    figure, axes = _axes(
        "Answers to lives not seen in training", f"true RUL, {life_unit}", f"predicted mean, {life_unit}"
    )
    truth = np.minimum(answers.rul, answers.cap)
    axes.scatter(truth, answers.mean, s=4, alpha=0.3, linewidths=0)
    axes.plot([0, answers.cap], [0, answers.cap], color="black", linewidth=1)
    return figure


def _error_along_life(answers: OutOfFold, life_unit: str) -> Figure:
    figure, axes = _axes(
        "Error along the life (positive: late)", f"true RUL, {life_unit}", f"predicted - true, {life_unit}"
    )
    truth = np.minimum(answers.rul, answers.cap)
    for unit in np.unique(answers.unit):
        rows = answers.unit == unit
        axes.plot(answers.rul[rows], (answers.mean - truth)[rows], linewidth=0.6, alpha=0.5)
    axes.axhline(0.0, color="black", linewidth=1)
    axes.invert_xaxis()
    return figure


def _coverage(answers: OutOfFold, figures: Mapping[str, float], life_unit: str) -> Figure:
    figure, axes = _axes("Coverage of the band P10 to P90", f"true RUL, {life_unit}", "share of truths inside")
    bands = [band for band in bands_of(answers.cap) if f"cv_coverage80_{band.name}" in figures]
    labels = [f"{band.low:.0f} to {min(band.high, answers.cap):.0f}" for band in bands]
    axes.bar(labels, [figures[f"cv_coverage80_{band.name}"] for band in bands])
    axes.axhline(_NOMINAL, color="black", linewidth=1)
    axes.set_ylim(0.0, 1.0)
    return figure
