"""Names of features in words that a planner can read."""

import re

__all__ = ["fault_words", "feature_words", "life_unit_words", "line_words"]

_ROLES = {
    "vibration_h": "Vibration, horizontal",
    "vibration_v": "Vibration, vertical",
    "vibration_a": "Vibration, axial",
    "diagnosis": "Spectrum",
}
_LIFE_UNITS = {"running_h": "running hours", "calendar_h": "hours", "cycle": "cycles"}
_FAULTS = {
    "normal": "no fault's lines",
    "unknown": "lines of no known pattern",
    "outer_race": "outer race fault",
    "inner_race": "inner race fault",
    "ball": "rolling element fault",
    "cage": "cage fault",
    "gear": "gear fault",
    "lubrication": "poor lubrication",
}
_TOKENS = {
    "bpfo": "at the outer race (BPFO)",
    "bpfi": "at the inner race (BPFI)",
    "bsf": "at the rolling elements (BSF)",
    "ftf": "at the cage (FTF)",
    "hf": "high-frequency",
    "gmf": "at the gear mesh",
    "rms": "RMS",
}
# How the names of features end that carry their unit, longest first.
_UNIT_SUFFIXES = ("_k_per_h", "_mm_s", "_m_s2", "_hz", "_k")
_OCTAVE = re.compile(r"octave_(\d+)hz_rms")


def feature_words(name: str) -> str:
    """A feature's name for people.

    Example:
        >>> feature_words("vibration_h.envelope_bpfo_m_s2.ratio_to_baseline")
        'Vibration, horizontal: envelope at the outer race (BPFO), ratio to baseline'
        >>> feature_words("vibration_v.octave_2000hz_rms_m_s2")
        'Vibration, vertical: octave at 2000 Hz'
        >>> feature_words("hours_since_start_h")
        'Hours since start'
    """
    role, _, rest = name.partition(".")
    parts = [_words(part) for part in rest.split(".") if part]
    bare = role if rest else role.removesuffix("_h")
    told = _ROLES.get(role, bare.replace("_", " ").capitalize())
    return f"{told}: {', '.join(parts)}" if parts else told


def fault_words(fault: str) -> str:
    """What a diagnosis says, for people.

    Example:
        >>> fault_words("outer_race"), fault_words("looseness")
        ('outer race fault', 'looseness')
    """
    return _FAULTS.get(fault, fault.replace("_", " "))


def life_unit_words(life_unit: str, *, is_one: bool = False) -> str:
    """The unit in which a component ages.

    Example:
        >>> life_unit_words("running_h"), life_unit_words("cycle", is_one=True)
        ('running hours', 'cycle')
    """
    many = _LIFE_UNITS[life_unit]
    return many.removesuffix("s") if is_one else many


def line_words(name: str) -> str:
    """The name of a line of a spectrum, for people.

    Example:
        >>> line_words("2_x_bpfo"), line_words("1x"), line_words("gmf_sideband_+1")
        ('2 x BPFO', '1x', 'GMF sideband +1')
    """
    return " ".join(token.upper() if token in _TOKENS else token for token in name.split("_"))


def _words(part: str) -> str:
    for suffix in _UNIT_SUFFIXES:
        part = part.removesuffix(suffix)
    octave = _OCTAVE.fullmatch(part)
    if octave is not None:
        return f"octave at {octave[1]} Hz"
    return " ".join(_TOKENS.get(token, token) for token in part.split("_"))
