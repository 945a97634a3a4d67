"""A fit judged with all that the lake and the plant know of its lives, and laid down as files of its run."""

from collections.abc import Sequence
from pathlib import Path

from features.core.plant import Plant
from features.rul.artefact import Artefact
from pipelines.dataset import TrainingSet
from pipelines.evaluation import Judgement, judge
from pipelines.model import Fitted, OutOfFold
from pipelines.training.calendar import calendar_rows
from pipelines.training.card import CARD, Provenance, card
from pipelines.training.plots import draw

__all__ = ["description", "judged", "write_files"]

# What MLflow keeps of a run's description, characters.
_DESCRIPTION = 7500


def judged(
    data: TrainingSet, fitted: Fitted, plant: Plant, *, seed: int, repeats: Sequence[OutOfFold] = ()
) -> Judgement | None:
    """All figures and tables of a fit; None: no forest was fitted, so there is nothing to judge.

    `repeats`: answers by other folds, which tell how far the error moves with them.
    """
    answers = fitted.out_of_fold
    if answers is None:
        return None
    components = len(plant.components_of(data.component_class))
    return judge([answers, *repeats], calendar_rows(data, answers, plant), components=components, seed=seed)


def write_files(artefact: Artefact, judgement: Judgement | None, provenance: Provenance, folder: Path) -> None:
    """Lays down the card, `tables/*.csv` and `plots/*.png`; MLflow's page shows all three kinds."""
    (folder / CARD).write_text(card(artefact, judgement, provenance), encoding="utf-8")
    tables = folder / "tables"
    tables.mkdir()
    provenance.table(artefact).write_csv(tables / "provenance.csv")
    if judgement is None:
        return
    for name, table in judgement.tables.items():
        table.write_csv(tables / f"{name}.csv", float_precision=6)
    draw(judgement, artefact.life_unit, folder / "plots")


def description(artefact: Artefact, judgement: Judgement | None, provenance: Provenance) -> str:
    """The card as the run's description in MLflow's page; what is too long for it is named at the end."""
    whole = card(artefact, judgement, provenance)
    where = "\n\nThe whole card, the tables and the plots are among the run's artifacts."
    if len(whole) > _DESCRIPTION:
        whole = whole[: whole.rindex("\n#", 0, _DESCRIPTION)]
    return whole + where
