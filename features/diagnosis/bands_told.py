"""Proposed envelope bands for people and programs: a kurtogram in characters, a table, lines of YAML."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.diagnosis.band import Band, BandProposal

__all__ = ["as_json", "lines_to_paste", "show"]

# Characters of the frequency axis, a multiple of the bands of every level up to 4 (16 and 12 bands).
_WIDTH = 48
_SHADES = " ·░▒▓█"
# Rows of the table: the most impulsive bands.
_MOST_BANDS = 5


def as_json(found: Sequence[BandProposal]) -> list[dict[str, object]]:
    """The proposals as plain values."""
    return [asdict(each) | {"first": _stamp(each.first), "last": _stamp(each.last)} for each in found]


def lines_to_paste(found: Sequence[BandProposal]) -> str:
    """YAML for the plant file, a comment on each point that has no band.

    Example:
        >>> band = BandProposal("V", 8192.0, 9, None, None, (1024.0, 2048.0), 1.0, "kurtosis 1.20", ())
        >>> print(lines_to_paste([band]))
        measuring_points:
          - id: V
            envelope_band_hz: [1024, 2048]   # kurtosis 1.20; 9 snapshots
    """
    lines = ["measuring_points:"]
    for each in found:
        about = f"# {each.reason}; {each.snapshots} snapshots"
        lines.append(f"  - id: {each.point}")
        if each.band_hz is None:
            lines.append(f"    {about}")
        else:
            low, high = each.band_hz
            lines.append(f"    envelope_band_hz: [{low:g}, {high:g}]   {about}")
    return "\n".join(lines)


def show(found: Sequence[BandProposal], console: Console) -> None:
    """Print each point's kurtogram and best bands, then the lines for the plant file."""
    for each in found:
        span = ""
        if each.first is not None and each.last is not None:
            span = f", {each.first:%Y-%m-%d} to {each.last:%Y-%m-%d}"
        console.print(f"{each.point}: {each.snapshots} snapshots at {each.sample_rate_hz:g} Hz{span}")
        if each.bands:
            console.print(_plot(each))
            console.print(_table(each))
        told = each.reason
        if each.band_hz is not None:
            low, high = each.band_hz
            told = f"{low:g} to {high:g} Hz; {told}; {each.agreement:.0%} of the snapshots agree"
        console.print(f"{told}\n")
    console.print("Lines for the plant file:", highlight=False)
    console.print(lines_to_paste(found), highlight=False, markup=False)


def _stamp(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _plot(each: BandProposal) -> Text:
    """Levels downwards, frequency to the right, the darker the more impulsive; the proposed band in brackets."""
    top = max((band.kurtosis for band in each.bands), default=0.0)
    text = Text()
    for level, members in groupby(each.bands, key=lambda band: band.level):
        row = list(members)
        cells = "".join(_cell(band, _WIDTH // len(row), top, band_is=each.band_hz) for band in row)
        text.append(f"{level:4.1f} |{cells}|\n")
    nyquist = f"{each.sample_rate_hz / 2:g} Hz"
    text.append(f"     0{nyquist.rjust(_WIDTH)}")
    return text


def _cell(band: Band, width: int, top: float, *, band_is: tuple[float, float] | None) -> str:
    share = min(max(band.kurtosis / top, 0.0), 1.0) if top > 0 else 0.0
    shade = _SHADES[round(share * (len(_SHADES) - 1))]
    if (band.low_hz, band.high_hz) == band_is:
        return f"[{shade * (width - 2)}]"
    return shade * width


def _table(each: BandProposal) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("level", "from Hz", "to Hz", "kurtosis"):
        table.add_column(title, justify="right")
    best = sorted(each.bands, key=lambda band: -band.kurtosis)[:_MOST_BANDS]
    for band in best:
        table.add_row(f"{band.level:g}", f"{band.low_hz:g}", f"{band.high_hz:g}", f"{band.kurtosis:.2f}")
    return table
