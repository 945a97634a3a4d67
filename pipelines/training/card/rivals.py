"""The baselines beside a model, and where they win."""

import polars as pl

from pipelines.evaluation import Judgement
from pipelines.training.card.markdown import bold, markdown_table

__all__ = ["WHO", "rivals"]

# Whose answer, as the tables name it -> in words.
WHO = {
    "model": "the model",
    "model's median": "the model's median",
    "constant_median": "constant median",
    "weibull_age": "age-only Weibull",
    "last_row": "last row",
}


def rivals(judgement: Judgement, unit: str) -> list[str]:
    """Errors of model and baselines in each band, and where a baseline is better."""
    table = judgement.tables["baselines"]
    who = [name.removeprefix("rmse_") for name in table.columns if name.startswith("rmse_")]
    rows = []
    for row in table.iter_rows(named=True):
        errors = [bold(f"{row[f'rmse_{one}']:.4g}", row["best"] == one) for one in who]
        won = ", ".join(f"{WHO.get(one, one)} {row[f'lives_won_by_{one}']}" for one in who)
        name = {"cap": "at the cap", "all": "all"}.get(row["band"], f"{row['from']:.4g} to {row['to']:.4g}")
        rows.append([name, *errors, won])
    beaten = [row for row in table.iter_rows(named=True) if row["best"] != "model"]
    places = {"cap": "at the cap", "all": "over all"}
    told = [
        f"{WHO.get(row['best'], row['best'])} "
        + places.get(row["band"], f"from {row['from']:.4g} to {row['to']:.4g} {unit}")
        for row in beaten
    ]
    lives = judgement.tables["lives"]
    lost = lives.filter(pl.col("best") != "model").height
    verdict = (
        f"**A baseline is better here:** {'; '.join(told)}." if told else "No baseline is better in any band."
    )
    return [
        *markdown_table(
            ["true RUL", *(f"RMSE, {WHO.get(one, one)}" for one in who), "lives in which each is best"], rows
        ),
        "",
        f"{verdict} In {lost} of {lives.height} lives one of them was better than the model (table `lives`); "
        "which one is known only afterwards.",
        "",
        "The baselines: always the median remaining life; a Weibull distribution over age alone; a straight line "
        "through what is measured in the newest row.",
    ]
