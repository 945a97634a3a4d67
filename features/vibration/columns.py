"""Names of the columns that `measure` gives, stage by stage, and the stage of each.

They are the names of registered features without the unit of the signal, where that is what they have.
"""

from features.vibration.plan import Stage

__all__ = ["COLUMNS", "ENVELOPE", "SPECTRUM", "TIME", "stage_of"]

TIME = (
    "mean",
    "rms",
    "total_rms",
    "peak",
    "peak_to_peak",
    "mean_magnitude",
    "skewness",
    "kurtosis",
    "crest",
    "shape",
    "impulse",
    "margin",
    "zero_crossing_rate_hz",
    "saturation_share",
)
SPECTRUM = (
    "centroid_hz",
    "spread_hz",
    "entropy",
    "flatness",
    "roll_off_hz",
    "hf_rms",
    *(f"quarter_{i}_share" for i in (1, 2, 3, 4)),
    *(f"octave_{hz}hz_rms" for hz in (500, 1000, 2000, 4000, 8000)),
    "velocity_rms_mm_s",
    *(f"peak_{i}_hz" for i in (1, 2, 3)),
    *(f"peak_{i}" for i in (1, 2, 3)),
    *(f"order_{order}x_mm_s" for order in ("half_", "1", "one_and_half_", "2", "3")),
    "harmonics_mm_s",
    "gear_mesh",
    "gear_mesh_2x",
    "blade_pass",
    "gear_sidebands",
)
ENVELOPE = (
    "envelope_rms",
    "envelope_kurtosis",
    "envelope_1x",
    *(f"envelope_{name}" for name in ("bpfo", "bpfi", "bsf", "ftf", "2bsf")),
    *(f"envelope_{name}_snr" for name in ("bpfo", "bpfi", "bsf", "ftf", "2bsf")),
    *(f"envelope_{name}_harmonics" for name in ("bpfo", "bpfi", "bsf", "ftf")),
    "envelope_bpfi_sidebands",
    "envelope_2bsf_sidebands",
)
COLUMNS: dict[Stage, tuple[str, ...]] = {
    Stage.TIME: TIME,
    Stage.SPECTRUM: SPECTRUM,
    Stage.DISPLACEMENT: ("displacement_um",),
    Stage.ENVELOPE: ENVELOPE,
    Stage.CEPSTRUM: ("quefrency_s", "rahmonic"),
    Stage.KURTOGRAM: ("kurtogram_low_hz", "kurtogram_high_hz", "kurtogram_kurtosis"),
}
_STAGES = {name: stage for stage, names in COLUMNS.items() for name in names}


def stage_of(column: str) -> Stage:
    """The stage that gives a column.

    Example:
        >>> stage_of("crest").value
        'time'
    """
    return _STAGES[column]
