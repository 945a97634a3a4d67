"""Where a model comes from, beside what its artefact says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from features.rul.artefact import Artefact
from pipelines.training.card.markdown import markdown_table

__all__ = ["Provenance", "origin"]


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
        repaired: Failed lives that a repair ended before the failure (`incipient_fault`).
    """

    rows: int
    excluded: Mapping[str, Sequence[str]]
    code_version: str
    seeds: Mapping[str, int]
    looks: int
    tuned: str = ""
    repaired: int = 0

    def table(self, artefact: Artefact) -> pl.DataFrame:
        """All of it as a table of two columns."""
        facts: dict[str, object] = {
            "as_of": artefact.as_of,
            "fingerprint": artefact.fingerprint,
            "code_version": self.code_version,
            "rows": self.rows,
            "lives": artefact.trained_units,
            "failed_lives": artefact.failed_units,
            "failed_lives_repaired_before_failure": self.repaired,
            "parameters": self.tuned or "defaults",
            "looks_at_test_data": self.looks,
            **{f"seed.{what}": seed for what, seed in self.seeds.items()},
            **{f"table_version.{name}": number for name, number in artefact.table_versions.items()},
            **{f"excluded.{what}": ", ".join(names) for what, names in self.excluded.items() if names},
        }
        return pl.DataFrame({"what": list(facts), "value": [str(value) for value in facts.values()]})


def origin(artefact: Artefact, provenance: Provenance) -> list[str]:
    """Versions, seeds, what was left out and how often test data was looked at."""
    looks = provenance.looks or "none"
    rows = [[row["what"], f"`{row['value']}`"] for row in provenance.table(artefact).iter_rows(named=True)]
    return [
        "## Where it comes from",
        "",
        f"Looks at test data of this class before this training: {looks}. What is chosen after a look is chosen "
        "by it.",
        "",
        *markdown_table(["what", "value"], rows),
        "",
    ]
