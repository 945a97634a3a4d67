"""What a number stands on."""

from dataclasses import dataclass

from features.core.statements import Rung
from features.rul.artefact import Artefact

__all__ = ["Basis", "basis_of"]


@dataclass(frozen=True, slots=True)
class Basis:
    """The rung, the life unit, whether the range is calibrated, and the failed lives behind it."""

    rung: Rung
    life_unit: str
    calibrated: bool
    units: int


def basis_of(artefact: Artefact) -> Basis:
    """Of a number of this artefact's forests or transfer."""
    calibration = artefact.calibration
    rung = Rung.CALIBRATED_RUL if calibration.calibrated else Rung.UNCALIBRATED_RUL
    if artefact.transfer is not None:
        rung = Rung.TRANSFER
    return Basis(rung, artefact.life_unit, calibration.calibrated, calibration.units)
