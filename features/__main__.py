"""`python -m features`: the catalogue of features, plant files, a diagnosis to read, benchmarks to run."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from features.core.clock import require_utc
from features.core.errors import PlantError, UnfitError, WearcastError
from features.core.plant import Component, Machine, Plant, PointKind, read_plant
from features.core.settings import nearest
from features.core.units import Quantity
from features.registry import catalogue as registered
from features.registry import feature_set
from features.registry import trends as registered_trends

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_PLANT = Path("data/plant")
_BENCHMARKS = Path(__file__).parents[1] / "tests" / "benchmarks"
# Options of a benchmark are its own: what follows its name is passed on.
_PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}

_EXAMPLE = """\
# A plant file: which machines there are, what they are made of, and under which names historians know
# their measuring points. Check it with `wearcast check --plant FILE`.
component_classes:
  - id: rolling_bearing
    life_unit: running_h        # running_h, calendar_h or cycle: how parts age, and the unit of their RUL
    memory: [2d, 7d, 21d]       # spans of means, slopes and deltas
    run_in: 1d                  # time after an installation that is no reference
    baseline: 14d               # length of the part's own first stretch, its reference
    horizon: 90d                # how far ahead plans look
    # How long such parts last, if you know: the age that half of them reach, in the life unit, and the Weibull
    # shape (1 no ageing, 2 to 4 wear). It gives a remaining life until failures here say more.
    # prior: {shape: 1.8, median_life: 30000}

sites:
  - id: site-1
    name: Example site
    time_zone: Europe/Berlin    # IANA name; maintenance windows below are in this local time
    maintenance_windows:
      - {id: saturday, weekday: saturday, start: "06:00", hours: 8}
    costs: {currency: EUR, planned: 1200, unplanned: 9000, downtime_per_hour: 400}
    machines:
      - id: P101
        name: Feed pump 1
        group: area-1           # an area of at most 64 machines
        functional_location: ""  # as your ERP knows the place
        equipment_number: ""
        machine_class: pump
        criticality: B          # A stops production, B a part of it, C nothing at once
        grid: 12h               # one feature row per step; for telemetry alone 10min is usual
        speed: {role: speed}    # or {hz: 24.7} for a constant speed
        running_above_hz: 0.5   # below this shaft speed the machine stands still
        # 15 to 300 kW; 1 is above. With it every vibration point has its ISO 20816-3 zone from day one.
        vibration_class: {group: 2, foundation: rigid}
        components:
          - slot: DE-bearing    # what is installed here has a life
            component_class: rolling_bearing
            bearing: 6205-2RS   # a designation of the catalogue, or balls, ball_diameter_mm, pitch_diameter_mm
            # installed: 2025-01-10T00:00:00+01:00   # when the present one was installed, if known
            spare: {part_number: "6205-2RS", lead_time_days: 5}
        measuring_points:
          # role: what the point means to features. tags: historian's name -> tag there.
          - id: P101-DE-VIB
            role: vibration_h
            quantity: acceleration
            unit: g
            kind: waveform
            sample_rate_hz: 8192
            slot: DE-bearing
            tags: {plant_historian: P101.DE.VIB}
          - id: P101-DE-TEMP
            role: bearing_temperature
            quantity: temperature
            unit: degC
            slot: DE-bearing
            limits: {low: -40, high: 200, warning: 80, alarm: 95}
            tags: {plant_historian: P101.DE.TEMP}
          - id: P101-AMBIENT
            role: ambient_temperature
            quantity: temperature
            unit: degC
            tags: {plant_historian: P101.AMBIENT}
          - id: P101-LOAD
            role: load
            quantity: ratio
            unit: "%"
            tags: {plant_historian: P101.LOAD}
          - id: P101-SPEED
            role: speed
            quantity: speed
            unit: rpm
            tags: {plant_historian: P101.SPEED}
"""


@app.command()
def catalogue() -> None:
    """Print the catalogue of features as a Markdown page."""
    typer.echo(_page(), nl=False)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Plant file to write; it must not exist yet.")] = _PLANT
    / "plant.yaml",
) -> None:
    """Write a commented plant file to start from."""
    if file.exists():
        typer.echo(f"{file} exists already; nothing was written", err=True)
        raise typer.Exit(2)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_EXAMPLE, encoding="utf-8")
    typer.echo(f"wrote {file}\nnext: put your machines and tags in, then `wearcast check --plant {file}`")


@app.command()
def check(
    plant: Annotated[Path, typer.Option(help="A plant file or a folder of plant files.")] = _PLANT,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
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


@app.command(context_settings=_PASS_ON)
def benchmark(
    name: Annotated[str, typer.Argument(help="Which one; a name that is not there lists those that are.")],
    words: Annotated[list[str] | None, typer.Argument(help="Options of that benchmark, e.g. --json.")] = None,
) -> None:
    """Run a benchmark of this checkout, e.g. `wearcast benchmark features --json`."""
    names = sorted(path.stem for path in _BENCHMARKS.glob("[a-z]*.py"))
    if name not in names:
        typer.echo(f"no benchmark {name!r}; there are: {', '.join(names) or 'none'} (in {_BENCHMARKS})", err=True)
        raise typer.Exit(2)
    script = _BENCHMARKS / f"{name}.py"
    raise typer.Exit(subprocess.run([sys.executable, str(script), *(words or [])], check=False).returncode)


@app.command()
def diagnose(
    machine: Annotated[str, typer.Argument(help="Machine, e.g. P101.")],
    slot: Annotated[str, typer.Argument(help="Slot of the component, e.g. DE-bearing.")],
    plant: Annotated[Path, typer.Option(help="A plant file or a folder of plant files.")] = _PLANT,
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


@app.command("envelope-band")
def envelope_band(
    machine: Annotated[str | None, typer.Argument(help="Machine, e.g. P101; none with --file.")] = None,
    plant: Annotated[Path, typer.Option(help="A plant file or a folder of plant files.")] = _PLANT,
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


def _page() -> str:
    lines = [
        "# Features",
        "",
        "Generated by `python -m features catalogue` from the registry; do not edit.",
        "",
        "A feature's name in a feature set is `role.name`, for example `vibration_h.rms_m_s2`; trends follow the "
        "level's name, for example `vibration_h.rms_m_s2.slope_7d`. A value that cannot be told is null, with its "
        "reason beside it.",
        "",
        "## Levels: one grid step",
        "",
        "| family | name | unit | trends | what | inputs | window | source | version |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for f in registered():
        summary = (f.compute.__doc__ or "").strip().split("\n")[0]
        lines.append(
            f"| {f.family} | `{f.name}` | {f.unit} | {'yes' if f.trend else ''} | {summary} | "
            f"{', '.join(f.inputs)} | {f.window} | {f.source} | {f.version} |"
        )
    lines += [
        "",
        "## Trends: the rows of the present life",
        "",
        "Over each span of the class's `memory`, or once a life. Rows of a stopped machine do not count.",
        "",
        "| name | unit | per span | quantities | what | source | version |",
        "|---|---|---|---|---|---|---|",
    ]
    quantities = {None: "all", True: "positive", False: "others"}
    for t in registered_trends():
        lines.append(
            f"| `{t.name}` | {t.unit.format(unit='level')} | {'yes' if t.per_span else 'no'} | "
            f"{quantities[t.positive]} | {t.summary} | {t.source} | {t.version} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(app())
