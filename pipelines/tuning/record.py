"""The chosen parameters as a file: what was chosen, on which lives, and what it brought. Training reads it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from features.core.errors import ConfigError
from pipelines.model import FitParameters
from pipelines.tuning.space import with_chosen

__all__ = ["TuningRecord", "parameters_of", "read_record", "record_file", "write_record"]


class TuningRecord(BaseModel):
    """A class's tuned parameters; errors in life units, of lives that no search saw.

    `difference_low95` and `difference_high95` are of the mean squared error, tuned less default, drawn by life.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    component_class: str
    chosen: dict[str, int | float]
    as_of: str
    fingerprint: str
    seed: int
    trials: int
    minutes: float
    lives: int
    outer_folds: int
    rmse_default: float
    rmse_tuned: float
    difference_low95: float
    difference_high95: float
    is_established: bool
    coverage80_default: float | None
    coverage80_tuned: float | None
    interval_score80_default: float | None
    interval_score80_tuned: float | None
    searched_error: float
    chosen_in_outer_folds: list[dict[str, int | float]]


def record_file(folder: Path, class_id: str) -> Path:
    """Where the record of a class lies."""
    return folder / f"{class_id}.json"


def write_record(folder: Path, record: TuningRecord) -> Path:
    """Writes the record, made to be read and committed."""
    folder.mkdir(parents=True, exist_ok=True)
    file = record_file(folder, record.component_class)
    draft = file.with_suffix(".draft")
    draft.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    draft.replace(file)
    return file


def read_record(folder: Path, class_id: str) -> TuningRecord | None:
    """The record of a class; None: it was not tuned, or tuning brought nothing.

    Raises:
        ConfigError: The file is not such a record.
    """
    file = record_file(folder, class_id)
    if not file.exists():
        return None
    try:
        record = TuningRecord.model_validate_json(file.read_bytes())
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(
            f"{file}: {place}: {first['msg']}; tune the class again or remove the file", {"file": str(file)}
        ) from None
    if record.component_class != class_id:
        raise ConfigError(
            f"{file} is of class {record.component_class!r}; rename it or remove it", {"file": str(file)}
        )
    return record


def parameters_of(
    folder: Path, class_id: str, default: FitParameters = FitParameters()
) -> tuple[FitParameters, str]:
    """What a class is fitted with, and where that comes from in a few words, empty for the default.

    Raises:
        ConfigError: The file is no record, names an unknown parameter or a value outside the bounds.
    """
    record, file = read_record(folder, class_id), record_file(folder, class_id)
    if record is None:
        return default, ""
    words = f"tuned on {record.lives} lives known at {record.as_of[:10]}, {record.trials} trials ({file.name})"
    return with_chosen(default, record.chosen, place=str(file)), words
