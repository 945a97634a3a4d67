"""For MLflow's own users: the artefact as a pyfunc model. Wearcast itself never loads this file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from features.rul.artefact import OUTPUTS, load
from features.rul.outputs import Engine


class WearcastModel(PythonModel):
    """Inputs [n, inputs] in, mean, P10, P50 and P90 [n, 4] out, life units; NaN is a missing input."""

    def load_context(self, context: PythonModelContext) -> None:
        """Reads the verified artefact."""
        self.engine = Engine(load(Path(context.artifacts["artefact"])))

    def predict(
        self,
        context: PythonModelContext,
        model_input: npt.NDArray[np.float64],
        params: dict[str, object] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Answers of all outputs."""
        found = self.engine.answer(model_input)
        return np.stack([getattr(found, output) for output in OUTPUTS], axis=1)


set_model(WearcastModel())
