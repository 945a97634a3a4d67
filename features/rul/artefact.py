"""A trained model on disk: JSON, LightGBM texts and the digests of both. Data only, never code.

`artefact.json`        every field of `Artefact` but the forests
`forest_{output}.txt`  LightGBM's text model of that output
`forest_index.txt`     LightGBM's text model of `rul_index`, where the model has a memory
`digests.json`         file name -> sha256 of every file above

Floats round trip exactly. A bound that is not finite is written as `Infinity`, `-Infinity` or `NaN`,
as Python's json module does.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from features.core.errors import DamagedArtefactError
from features.rul.condition import ConditionModel
from features.rul.memory import Memory
from features.rul.past import PastLives
from features.rul.transfer import TransferModel

__all__ = ["OUTPUTS", "Artefact", "Calibration", "Domain", "load", "save"]

OUTPUTS = ("mean", "p10", "p50", "p90")
_DOCUMENT = "artefact.json"
_INDEX = "forest_index.txt"
_DIGESTS = "digests.json"
# Keys that only models with a memory have.
_OF_MEMORY = {"memory", "index_inputs"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far the quantiles are widened so that the band covers what it says (Mondrian CQR).

    Attributes:
        units: Failed lives behind the offsets.
        calibrated: False: too few units, no band may be shown.
        nominal: Share of truths that the band P10 to P90 should cover.
        edges: Edges between bins of the sorted, uncalibrated P50, ascending, life unit. A value equal to
            an edge belongs to the upper bin.
        low: Per bin, what is subtracted from P10; len(edges) + 1 values, life unit.
        high: Per bin, what is added to P90.
        slope: Per bin, what P10 is multiplied by before, 0 to 1: how much of what the forest says about it was
            true of lives it had not seen. Empty: 1 in each bin.

    References:
        Y. Romano, E. Patterson, E. Candes, "Conformalized quantile regression", NeurIPS 2019, eq. 8.
    """

    units: int
    calibrated: bool
    nominal: float = 0.8
    edges: tuple[float, ...] = ()
    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (0.0,)
    slope: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        bins = len(self.edges) + 1
        if self.slope and len(self.slope) != bins:
            raise ValueError(f"{bins} bins need {bins} slopes or none, got {len(self.slope)}")
        if not all(0.0 <= slope <= 1.0 for slope in self.slope):
            raise ValueError(f"slopes of P10 lie between 0 and 1, got {self.slope}")
        if len(self.low) != bins or len(self.high) != bins:
            raise ValueError(f"{bins} bins need {bins} offsets, got {len(self.low)} and {len(self.high)}")
        if list(self.edges) != sorted(self.edges):
            raise ValueError(f"calibration edges must ascend, got {self.edges}")


@dataclass(frozen=True, slots=True)
class Domain:
    """Where the training lives were, per stored feature; empty tuples: nothing is checked.

    Attributes:
        low: Smallest value in training; NaN or -inf: no bound.
        high: Largest value in training; NaN or inf: no bound.
        present: Share of training rows that had the feature; empty: all of them.
        reach: How far outside a single feature may lie, as a share of its range; empty: as far as it likes.
        tolerated_share: Share of the features at hand that may lie outside.
        tolerated_missing: Share of the features usually present in training that may be null.
        names: Features that are checked; empty: the model's inputs.
    """

    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    present: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()
    tolerated_share: float = 0.1
    tolerated_missing: float = 0.5
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Artefact:
    """One model of one component class: what it needs to answer, and what it stands on.

    The answer of an output is `base[output]` + its forest's raw score; for outputs named in `on_mean` the
    mean's own answer is added, because their boosting started from it (see `features.rul.outputs`).

    Attributes:
        name: Registered model name.
        component_class: Class it answers for.
        life_unit: Unit of every RUL here.
        rul_cap: Largest RUL taught, life unit.
        fingerprint: Of the feature set it was fitted on.
        feature_names: The whole feature set, in order.
        inputs: Names that the forests use, in the order of their columns: features and columns of the memory.
        base: Output -> start of boosting, life unit; missing: 0.
        forests: Output -> LightGBM text; empty: only the condition rung works.
        calibration: Offsets of the band.
        domain: Ranges of the inputs in training.
        condition: Health from own healthy time; None: not fitted.
        class_prior: Weibull `shape` and `scale`, `median_life`, ...; null where unknown.
        trained_units: Lives seen.
        failed_units: Lives that ended in failure, seen by the forests.
        as_of: Moment up to which data was known, ISO 8601.
        table_versions: Lake table -> version it was trained on.
        min_rows: Feature rows of a life before a number is given.
        on_mean: Outputs whose boosting started from the mean's answer.
        capped: Outputs that are cut at `rul_cap`.
        memory: What is remembered of a life beyond the stored features; None: nothing.
        index_inputs: Names that the forest of `rul_index` uses: features and columns of the memory.
        index_forest: LightGBM text of `rul_index`; empty without a memory.
        transfer: What the class's few failed lives had left at each stage; None: not wanted, or nothing known.
            It speaks where there are no forests; `inputs` are then what the condition index needs.
        past: Training lives in short, named where a component looks like one of them; None: none are kept.
    """

    name: str
    component_class: str
    life_unit: str
    rul_cap: float
    fingerprint: str
    feature_names: tuple[str, ...]
    inputs: tuple[str, ...]
    base: dict[str, float]
    forests: dict[str, str]
    calibration: Calibration
    domain: Domain
    condition: ConditionModel | None
    class_prior: dict[str, float | None]
    trained_units: int
    failed_units: int
    as_of: str
    table_versions: dict[str, int | None]
    min_rows: int
    on_mean: tuple[str, ...] = ("p10", "p50", "p90")
    capped: tuple[str, ...] = ()
    memory: Memory | None = None
    index_inputs: tuple[str, ...] = ()
    index_forest: str = ""
    transfer: TransferModel | None = None
    past: PastLives | None = None
    format: int = field(default=1)

    def __post_init__(self) -> None:
        wrong = sorted({*self.forests, *self.base, *self.on_mean, *self.capped} - set(OUTPUTS))
        if wrong:
            raise ValueError(f"unknown outputs {', '.join(wrong)}; they are {', '.join(OUTPUTS)}")
        if self.forests and set(self.forests) != set(OUTPUTS):
            raise ValueError(f"forests are all of {', '.join(OUTPUTS)} or none, got {', '.join(self.forests)}")
        if self.forests and self.transfer is not None:
            raise ValueError("forests and transfer exclude each other: one of them speaks")
        if (self.memory is None) != (not self.index_forest):
            raise ValueError("a memory and the forest of its index come together")
        told = {*self.feature_names, *(() if self.memory is None else self.memory.column_names())}
        unknown = sorted(set(self.index_inputs) - told)
        unknown += sorted(set(self.inputs) - told - set(() if self.memory is None else self.memory.index_names()))
        if unknown:
            raise ValueError(f"inputs that are not in the feature set: {', '.join(unknown)}")
        foreign = sorted(set(() if self.past is None else self.past.inputs) - set(self.compared))
        if foreign:
            raise ValueError(f"past lives are told by what is no input: {', '.join(foreign)}")
        for bounds in (self.domain.low, self.domain.high, self.domain.present, self.domain.reach):
            if bounds and len(bounds) != len(self.checked):
                raise ValueError(f"domain has {len(bounds)} bounds for {len(self.checked)} features")
        strange = sorted(set(self.domain.names) - set(self.feature_names))
        if strange:
            raise ValueError(f"the domain checks what is not in the feature set: {', '.join(strange)}")

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of what past lives may be told by: with a memory what `rul_index` is told, else the inputs."""
        return self.inputs if self.memory is None else self.index_inputs

    @property
    def checked(self) -> tuple[str, ...]:
        """Features whose values are held against the domain, in the order of its bounds."""
        if self.domain.names or self.memory is not None:
            return self.domain.names
        return self.inputs


def save(artefact: Artefact, folder: Path) -> None:
    """Write an artefact; the digests come last, so a torn write is never taken for a model."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"forest_{output}.txt": text for output, text in artefact.forests.items()}
    if artefact.memory is not None:
        texts[_INDEX] = artefact.index_forest
    texts[_DOCUMENT] = json.dumps(_document(artefact), indent=1)
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8"))
    digests = {name: hashlib.sha256(text.encode("utf-8")).hexdigest() for name, text in sorted(texts.items())}
    (folder / _DIGESTS).write_text(json.dumps(digests, indent=1), encoding="utf-8")


def load(folder: Path) -> Artefact:
    """Read an artefact; nothing is parsed before every digest was compared. Files not listed are ignored.

    Raises:
        DamagedArtefactError: A file is missing, was changed, or is not of the declared form.
    """
    contents = _verified(folder)
    try:
        return _parse(contents)
    except (ValidationError, ValueError, KeyError, TypeError) as err:
        raise DamagedArtefactError(
            f"{folder / _DOCUMENT} is not a model artefact: {err}; register the model again",
            {"file": _DOCUMENT, "folder": str(folder)},
        ) from err


def _document(artefact: Artefact) -> dict[str, object]:
    document: dict[str, object] = {}
    for name, kind in _kinds().items():
        document[name] = TypeAdapter(kind).dump_python(getattr(artefact, name), mode="python")
    document["outputs"] = sorted(artefact.forests)
    document["condition"] = None if artefact.condition is None else artefact.condition.to_json()
    if artefact.memory is not None:
        document |= {"memory": artefact.memory.to_json(), "index_inputs": artefact.index_inputs}
    return document


def _parse(contents: Mapping[str, bytes]) -> Artefact:
    document = json.loads(contents[_DOCUMENT])
    if isinstance(document, dict):
        for name in ("transfer", "past"):  # artefacts of before they existed
            document.setdefault(name, None)
        if isinstance(document.get("domain"), dict):
            document["domain"] = {"names": [], "reach": []} | document["domain"]
    kinds = _kinds()
    found = set(document) if isinstance(document, dict) else set()
    odd = (found - _OF_MEMORY) ^ {*kinds, "condition", "outputs"}
    if odd or found & _OF_MEMORY not in (set(), _OF_MEMORY):
        odd |= found & _OF_MEMORY
        raise ValueError(f"unknown or missing keys: {', '.join(sorted(odd))}")
    if document["format"] != 1:
        raise ValueError(f"format {document['format']!r} is not known, this version reads 1")
    values: dict[str, Any] = {
        name: TypeAdapter(kind).validate_json(json.dumps(document[name]), strict=True)
        for name, kind in kinds.items()
    }
    for name, kind in (("calibration", Calibration), ("domain", Domain)):
        if set(document[name]) != {f.name for f in fields(kind)}:
            raise ValueError(f"unknown or missing keys in {name}: {', '.join(sorted(document[name]))}")
    condition = document["condition"]
    if "memory" in document:
        values["memory"] = Memory.from_json(document["memory"])
        values["index_inputs"] = tuple(document["index_inputs"])
        values["index_forest"] = contents[_INDEX].decode("utf-8")
    return Artefact(
        **values,
        forests={output: contents[f"forest_{output}.txt"].decode("utf-8") for output in document["outputs"]},
        condition=None if condition is None else ConditionModel.from_json(condition),
    )


def _kinds() -> dict[str, Any]:  # Any: type hints are values here
    hints = get_type_hints(Artefact)
    apart = {"forests", "condition", "index_forest", *_OF_MEMORY}
    return {f.name: hints[f.name] for f in fields(Artefact) if f.name not in apart}


def _verified(folder: Path) -> dict[str, bytes]:
    digests = _digests(folder)
    contents = {}
    for name, digest in digests.items():
        path = folder / name
        data = path.read_bytes() if path.is_file() else None
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            state = "is missing" if data is None else "was changed or cut"
            raise DamagedArtefactError(
                f"{path} {state}; restore the model or register it again", {"file": name, "folder": str(folder)}
            )
        contents[name] = data
    return contents


def _digests(folder: Path) -> dict[str, str]:
    path = folder / _DIGESTS
    try:
        digests = json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        raise DamagedArtefactError(
            f"{path} cannot be read: {err}", {"file": _DIGESTS, "folder": str(folder)}
        ) from err
    valid = (
        isinstance(digests, dict)
        and _DOCUMENT in digests
        and all(
            isinstance(d, str) and _SHA256.fullmatch(d) and Path(name).name == name for name, d in digests.items()
        )
    )
    if not valid:
        raise DamagedArtefactError(f"{path} lists no valid digests", {"file": _DIGESTS, "folder": str(folder)})
    return {str(name): str(digest) for name, digest in digests.items()}
