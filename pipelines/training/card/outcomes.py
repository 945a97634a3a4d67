"""What a model gives as the end comes near, and what acting on it would have cost."""

import polars as pl

from pipelines.training.card.markdown import markdown_table

__all__ = ["decisions", "prognostics"]


def prognostics(table: pl.DataFrame, unit: str) -> list[str]:
    """Figures of the way to the end, a row each; words where no life has enough rows."""
    if table.is_empty():
        return ["No life has enough rows below the cap."]
    rows = [
        [
            row["figure"] + ("" if row["lambda"] is None else f" at {row['lambda']:.0%} of the way"),
            f"{row['value']:.3g} ({row['low95']:.3g} to {row['high95']:.3g})",
            unit if row["unit"] == "life units" else row["unit"],
            f"{row['better']} is better",
            f"{row['lives']}",
        ]
        for row in table.iter_rows(named=True)
    ]
    return [
        *markdown_table(["figure", "value", "in", "", "lives"], rows),
        "",
        "By Saxena et al. 2010, with a cone of 20 %. The way goes from the first row below the cap to the "
        "failure. *Horizon*: how long before the failure the answer lay in the cone, first and from then on. "
        "*Alpha-lambda*: lives of which half of the range, or the median where there is none, lay within 20 % "
        "of the truth there.",
    ]


def decisions(table: pl.DataFrame) -> list[str]:
    """What each policy would have cost and missed."""
    rows, lives = [], table.row(0, named=True)["lives"]
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
        "median lead, days",
        "calls/week",
    ]
    return [
        *markdown_table(head, rows),
        "",
        f"Costs (in the site's currency), windows and lead times are those of the plant file. Only lives that "
        f"failed, {lives} of them, so calls that a healthy part would have caused are not in it; calls are those "
        "of all components of the class together. *Early*: more than half of the life was still ahead. The "
        "interval and the threshold were chosen on the other folds; *perfect knowledge* is the last window before "
        "the failure.",
    ]
