"""Every error of Wearcast, by what the caller does next.

WearcastError
├── ConfigError               a person must change configuration; the process stops
│   ├── PlantError            a plant file is wrong: file, path in the document, value, nearest valid one
│   ├── SettingsError         a settings file or a WEARCAST_ variable is wrong
│   └── MissingExtraError     an optional package is not installed
├── RetriableError            back off, try again
│   ├── SourceUnavailableError    a historian does not answer
│   ├── LakeConflictError         another writer was faster
│   ├── LakeUnavailableError      the lake cannot be written or opened: rights, a full disk, a store that is away
│   ├── ErpUnavailableError       the ERP says "later" and surely did nothing
│   └── AmbiguousDeliveryError    the ERP may or may not have done it: look up by key first
├── RejectedError             this one item is wrong: quarantine it, go on, lose nothing
│   ├── RowRejectedError      a measurement, waveform or event row
│   ├── RequestRejectedError  a request to the API
│   └── OrderRejectedError    the ERP refuses this order for good
└── UnfitError                the answer exists but must not be used
    ├── FingerprintMismatchError  a model was fitted on another feature set
    ├── DamagedArtefactError      a digest or the content of a model artefact is wrong
    └── LeakageError              a split or a join would let the future in

A per-item refusal that is an expected answer (a feature of an empty window, a prediction without a
model) is not an exception: see `FeatureRefusal` in `features.registry` and `Refusal` in
`features.core.statements`.
"""

from collections.abc import Mapping

__all__ = [
    "AmbiguousDeliveryError",
    "ConfigError",
    "DamagedArtefactError",
    "ErpUnavailableError",
    "FingerprintMismatchError",
    "LakeConflictError",
    "LakeUnavailableError",
    "LeakageError",
    "MissingExtraError",
    "OrderRejectedError",
    "PlantError",
    "RejectedError",
    "RequestRejectedError",
    "RetriableError",
    "RowRejectedError",
    "SettingsError",
    "SourceUnavailableError",
    "UnfitError",
    "WearcastError",
]


class WearcastError(Exception):
    """Root of all errors: what happened, with which value, what to do.

    Args:
        message: A sentence for a person.
        context: The facts for a program; values must be picklable.
    """

    def __init__(self, message: str, context: Mapping[str, object] | None = None) -> None:
        super().__init__(message, dict(context or {}))
        self.message = message
        self.context: dict[str, object] = dict(context or {})

    def __str__(self) -> str:
        return self.message


class ConfigError(WearcastError):
    """A person must change configuration; the process stops."""


class PlantError(ConfigError):
    """A plant file is wrong; the message names file, path, value and nearest valid one."""


class SettingsError(ConfigError):
    """A settings file or a WEARCAST_ variable is wrong."""


class MissingExtraError(ConfigError):
    """An optional package is not installed; the message names the extra."""


class RetriableError(WearcastError):
    """Back off and try again."""


class SourceUnavailableError(RetriableError):
    """A historian does not answer."""


class LakeConflictError(RetriableError):
    """Another writer committed first; read again and retry."""


class LakeUnavailableError(RetriableError):
    """The lake cannot be written or opened now: missing rights, a full disk, a store that does not answer."""


class ErpUnavailableError(RetriableError):
    """The ERP asks to come back later and surely did nothing."""


class AmbiguousDeliveryError(RetriableError):
    """The ERP may or may not have done it: look up by key before anything else."""


class RejectedError(WearcastError):
    """This one item is wrong: quarantine it and go on."""


class RowRejectedError(RejectedError):
    """A measurement, waveform or event row is wrong."""


class RequestRejectedError(RejectedError):
    """A request to the API is wrong."""


class OrderRejectedError(RejectedError):
    """The ERP refuses this order for good."""


class UnfitError(WearcastError):
    """The answer exists but must not be used."""


class FingerprintMismatchError(UnfitError):
    """A model was fitted on another feature set than the one at hand."""


class DamagedArtefactError(UnfitError):
    """A digest or the content of a model artefact is wrong."""


class LeakageError(UnfitError):
    """A split or a join would let the future in."""
