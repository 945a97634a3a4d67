"""Raw scores of LightGBM models without LightGBM.

forest  text -> arrays
walk    arrays and rows -> scores, compiled
"""

from collections.abc import Callable

import numpy as np

from features.core.errors import UnfitError
from features.rul.scorer import walk
from features.rul.scorer.forest import Floats, ForeignForestError, Forest, Longs, Words, parse

__all__ = ["Scorer"]


class Scorer:
    """One LightGBM text model, ready to answer; equal bit for bit to `Booster.predict(raw_score=True)`.

    Random forests (`average_output`) give the mean of their trees, as `Booster.predict` does without
    `raw_score`. Models of a kind that the walk does not know (linear trees) are answered by LightGBM itself.

    Args:
        text: LightGBM's text model with one output. Verify its digest first: LightGBM reads damaged
            texts without an error.

    Raises:
        DamagedArtefactError: The text is cut, or a tree is not a tree.
        UnfitError: The model has several outputs.

    Attributes:
        features: Number of columns of a row.
        native: True: LightGBM answers, not the walk.
    """

    def __init__(self, text: str) -> None:
        self._forest: Forest | None = None
        self._booster: Callable[[Floats], Floats] | None = None
        try:
            self._forest = parse(text)
            self.features = self._forest.features
        except ForeignForestError:
            self._booster, self.features = _native(text)

    @property
    def native(self) -> bool:
        """True: LightGBM answers, not the walk."""
        return self._booster is not None

    def predict(self, rows: Floats) -> Floats:
        """Raw scores [n] of rows [n, features]; NaN is missing.

        Raises:
            UnfitError: Another number of columns.
        """
        rows = self._checked(rows)
        if self._booster is not None:
            return self._booster(rows)
        f = self._forest
        assert f is not None  # noqa: S101 # one of the two is always there
        if len(f.sets):
            scores: Floats = walk.walk_sets(rows, *_arrays(f), f.sets, f.starts, f.bits)
        else:
            scores = walk.walk(rows, *_arrays(f))
        return scores

    def contributions(self, rows: Floats) -> Floats | None:
        """What each input added to the score, [n, features]; None when LightGBM answers.

        Approximate: along the path of each tree the change of LightGBM's `internal_value` is credited to the
        feature that was split on. Their sum is the score less the forest's expected value. Features low in
        the trees get more credit than SHAP values give them; the walk costs as much as a prediction, exact
        SHAP values about 300 times more.

        References:
            A. Saabas, "Interpreting random forests", 2014 (the method); S. Lundberg et al., "From local
            explanations to global understanding with explainable AI for trees", Nature Machine Intelligence 2
            (2020), section "SHAP values" (its bias).
        """
        f = self._forest
        if f is None:
            return None
        rows = self._checked(rows)
        parts: Floats = walk.contributions(rows, *_arrays(f), f.sets, f.starts, f.bits, f.expected)
        return parts

    def _checked(self, rows: Floats) -> Floats:
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.features:
            raise UnfitError(
                f"the forest has {self.features} inputs, the rows have shape {rows.shape}",
                {"features": self.features, "shape": rows.shape},
            )
        return rows


def _arrays(f: Forest) -> tuple[Words, Words, Longs, Longs, float]:
    return f.words, f.roots, f.sources, f.kinds, f.divisor


def _native(text: str) -> tuple[Callable[[Floats], Floats], int]:
    import lightgbm  # heavy, and rarely needed

    booster = lightgbm.Booster(model_str=text)
    if booster.num_model_per_iteration() != 1:
        raise UnfitError("a forest must have one output; fit one model an output")
    return lambda rows: np.asarray(booster.predict(rows, raw_score=True)), int(booster.num_feature())
