"""A plant file written to start from, and one checked: what it holds, what will be missed, what comes next."""

import json
from pathlib import Path
from typing import Annotated

import typer

from features.commands.starter import STARTER
from features.core.errors import WearcastError
from features.core.plant import Plant, PointKind, read_plant
from features.core.units import Quantity
from features.registry import feature_set

__all__ = ["PLANT", "check", "init"]

# Where a plant file is looked for.
PLANT = Path("data/plant")


def init(
    file: Annotated[Path, typer.Argument(help="Plant file to write; it must not exist yet.")] = PLANT
    / "plant.yaml",
) -> None:
    """Write a commented plant file to start from."""
    if file.exists():
        typer.echo(f"{file} exists already; nothing was written", err=True)
        raise typer.Exit(2)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(STARTER, encoding="utf-8")
    typer.echo(f"wrote {file}\nnext: put your machines and tags in, then `wearcast check --plant {file}`")


def check(
    plant: Annotated[Path, typer.Option(help="A plant file or a folder of plant files.")] = PLANT,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output, a line a side.")] = False,
) -> None:
    """Validate plant, settings and connections, and say what to do next."""
    try:
        found = read_plant(plant)
    except WearcastError as err:
        if as_json:
            typer.echo(json.dumps({"ok": False, "problem": str(err), "context": err.context}, default=str))
        else:
            typer.echo(str(err), err=True)
        raise typer.Exit(2) from None
    report = {
        "ok": True,
        "sites": len(found.sites),
        "machines": len(found.machines),
        "components": sum(len(machine.components) for machine in found.machines),
        "measuring_points": sum(len(machine.measuring_points) for machine in found.machines),
        "sources": sorted({name for m in found.machines for p in m.measuring_points for name in p.tags}),
        "features": {c.id: len(feature_set(found, c.id).names) for c in found.component_classes},
        "hints": _hints(found),
        "next": _next(found),
    }
    typer.echo(json.dumps(report) if as_json else _report(report))


def _hints(plant: Plant) -> list[str]:
    """What is valid but will be missed later."""
    hints = []
    for machine in plant.machines:
        waveforms = any(point.kind is PointKind.WAVEFORM for point in machine.measuring_points)
        if waveforms and machine.speed is None:
            hints.append(f"{machine.id}: no speed, so no orders and no bearing frequencies")
        for point in machine.measuring_points:
            where = f"{machine.id}/{point.id}"
            if not point.tags:
                hints.append(f"{where}: no tags, so no historian is asked for it")
            if point.kind is PointKind.WAVEFORM and point.quantity is not Quantity.ACCELERATION:
                hints.append(f"{where}: no features exist for waveforms of {point.quantity.value} yet")
        for component in machine.components:
            waveform = any(p.kind is PointKind.WAVEFORM for p in machine.points_of(component))
            if waveform and component.bearing is None and component.gear_teeth is None:
                hints.append(f"{machine.component_id(component)}: no bearing, so no envelope features")
    return hints


def _next(plant: Plant) -> str:
    sources = sorted({name for m in plant.machines for p in m.measuring_points for name in p.tags})
    if not sources:
        return "give the measuring points tags of a historian, then `wearcast check` again"
    return f"`wearcast ingest`, once pipelines.toml describes {', '.join(sources)} under sources"


def _report(report: dict[str, object]) -> str:
    features = report["features"]
    classes = ", ".join(f"{n} for {name}" for name, n in features.items()) if isinstance(features, dict) else ""
    hints = report["hints"]
    return "\n".join(
        [
            f"valid: {report['sites']} sites, {report['machines']} machines, {report['components']} components, "
            f"{report['measuring_points']} measuring points",
            f"features: {classes}",
            *(f"hint: {hint}" for hint in (hints if isinstance(hints, list) else [])),
            f"next: {report['next']}",
        ]
    )
