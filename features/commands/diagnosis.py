"""A component's fault by its spectra, and the band of an envelope by the kurtogram."""

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from features.commands.plantfile import PLANT
from features.core.clock import require_utc
from features.core.errors import PlantError, UnfitError, WearcastError
from features.core.plant import Component, Machine, Plant, read_plant
from features.core.settings import nearest

__all__ = ["diagnose", "envelope_band"]


def diagnose(
    machine: Annotated[str, typer.Argument(help="Machine, e.g. P101.")],
    slot: Annotated[str, typer.Argument(help="Slot of the component, e.g. DE-bearing.")],
    plant: Annotated[Path, typer.Option(help="A plant file or a folder of plant files.")] = PLANT,
    lake: Annotated[str, typer.Option(help="Folder or URL of the lake.")] = "data/lake",
    as_of: Annotated[str | None, typer.Option(help="Only what could be known then, with offset.")] = None,
    snapshots: Annotated[int, typer.Option(min=1, help="Newest waveforms of each point to average.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Name the fault that a component's spectra support, with the matched lines."""
    # The lake costs a second to import; the other commands do without it.
    from rich.console import Console

    from features.core.lake import Lake
    from features.diagnosis import report as told

    try:
        known = read_plant(plant)
        place = _machine(known, machine)
        component = _component(place, slot)
        moment = None if as_of is None else _moment(as_of)
        found = told.report(known, Lake(lake), place, component, as_of=moment, snapshots=snapshots)
    except (WearcastError, ValueError) as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(told.as_json(found)))
    else:
        told.show(found, Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120))


def envelope_band(
    machine: Annotated[str | None, typer.Argument(help="Machine, e.g. P101; none with --file.")] = None,
    plant: Annotated[Path, typer.Option(help="A plant file or a folder of plant files.")] = PLANT,
    lake: Annotated[str, typer.Option(help="Folder or URL of the lake.")] = "data/lake",
    as_of: Annotated[str | None, typer.Option(help="Only what could be known then, with offset.")] = None,
    since: Annotated[str | None, typer.Option(help="Begin of a time that was healthy, with offset.")] = None,
    until: Annotated[str | None, typer.Option(help="End of that time, with offset.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="Healthy snapshots instead of the lake: .npy, or one number a line.")
    ] = None,
    sample_rate: Annotated[float | None, typer.Option(min=1.0, help="Of the files, Hz.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Propose envelope_band_hz of a machine's waveform points by the kurtogram of its healthy snapshots."""
    from rich.console import Console

    from features.core.lake import Lake
    from features.diagnosis import band, bands_told

    try:
        if file:
            rate = _rate(sample_rate)
            found = [band.propose(band.read_snapshots(file), rate, point=file[0].stem)]
        elif machine is None:
            raise UnfitError("name a machine of the plant file, or give --file and --sample-rate")
        else:
            known = read_plant(plant)
            moments = [None if text is None else _moment(text) for text in (as_of, since, until)]
            times = dict(zip(("as_of", "since", "until"), moments, strict=True))
            found = band.propose_for(known, Lake(lake), _machine(known, machine), **times)
    except (WearcastError, ValueError, OSError) as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({"points": bands_told.as_json(found), "yaml": bands_told.lines_to_paste(found)}))
    else:
        bands_told.show(found, Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120))


def _moment(text: str) -> dt.datetime:
    return require_utc(dt.datetime.fromisoformat(text))


def _rate(sample_rate: float | None) -> float:
    if sample_rate is None:
        raise UnfitError("files do not say how fast they were sampled; give --sample-rate in Hz")
    return sample_rate


def _machine(plant: Plant, machine_id: str) -> Machine:
    try:
        return plant.machine(machine_id)
    except KeyError:
        hint = nearest(machine_id, [machine.id for machine in plant.machines])
        raise PlantError(f"machine {machine_id!r} is not in the plant; {hint}") from None


def _component(machine: Machine, slot: str) -> Component:
    try:
        return machine.component(slot)
    except KeyError:
        hint = nearest(slot, [component.slot for component in machine.components])
        raise PlantError(f"machine {machine.id!r} has no slot {slot!r}; {hint}") from None
