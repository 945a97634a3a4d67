"""For MLflow's own users: the artefact as a pyfunc model. Wearcast itself never loads this file."""

from pathlib import Path

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from features.rul.artefact import OUTPUTS, load
from features.rul.outputs import Engine


class WearcastModel(PythonModel):
    """Inputs [n, inputs] in, mean, P10, P50 and P90 [n, 4] out, life units; NaN is a missing input."""

    def load_context(self, context: PythonModelContext) -> None:
        """Reads the verified artefact."""
        self.engine = Engine(load(Path(context.artifacts["artefact"])))

    # MLflow knows plain `np.ndarray` and warns about anything more exact.
    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, object] | None = None
    ) -> np.ndarray:
        """Answers of all outputs."""
        found = self.engine.answer(model_input)
        return np.stack([getattr(found, output) for output in OUTPUTS], axis=1)


set_model(WearcastModel())
