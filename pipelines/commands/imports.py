"""`wearcast import`: a public data set becomes a plant."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from features.core.lake import Lake
from pipelines.commands.console import AsJson, print_facts, told
from pipelines.commands.orders import print_orders

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Turn a public data set into a plant.")

Source = Annotated[Path, typer.Argument(help="Folder with the files of the data set.")]
Subset = Annotated[str, typer.Option(help="FD001, FD002, FD003 or FD004.")]
Mapping = Annotated[Path | None, typer.Option(help="What columns and codes mean; default: the shipped one.")]
TimeZone = Annotated[
    str | None, typer.Option(help="Of the site, where the plant file is new: the data name none.")
]
PlantFile = Annotated[Path | None, typer.Option("--plant", help="Where the plant file goes; default: in `plant`.")]


@app.command("femto")
def import_femto(source: Source, plant: PlantFile = None, as_json: AsJson = False) -> None:
    """FEMTO-ST bearings run to failure (IEEE PHM 2012), as Parquet."""
    from pipelines.imports.femto import import_femto as bring_in

    with told() as settings:
        report = bring_in(source, Lake(settings.lake), plant or _inside(settings.plant, "femto.yaml"))
        print_facts(asdict(report), as_json, "Imported")


@app.command("cmapss")
def import_cmapss(
    source: Source, subset: Subset = "FD001", plant: PlantFile = None, as_json: AsJson = False
) -> None:
    """NASA C-MAPSS turbofan engines, run to failure."""
    from pipelines.imports.cmapss import import_cmapss as bring_in

    with told() as settings:
        file = plant or _inside(settings.plant, f"cmapss-{subset.lower()}.yaml")
        report = bring_in(source, subset, Lake(settings.lake), file)
        print_facts(asdict(report), as_json, "Imported")


@app.command("azure-pdm")
def import_azure_pdm(source: Source, plant: PlantFile = None, as_json: AsJson = False) -> None:
    """Microsoft's simulated fleet with its maintenance log, as Parquet."""
    from pipelines.imports.azure_pdm import import_azure_pdm as bring_in

    with told() as settings:
        report = bring_in(source, Lake(settings.lake), plant or _inside(settings.plant, "azure-pdm.yaml"))
        print_facts(asdict(report), as_json, "Imported")


@app.command("production-plant")
def import_production_plant(source: Source, plant: PlantFile = None, as_json: AsJson = False) -> None:
    """Runs of a production plant's component to its end of life, as Parquet."""
    from pipelines.imports.production_plant import import_production_plant as bring_in

    with told() as settings:
        report = bring_in(source, Lake(settings.lake), plant or _inside(settings.plant, "production-plant.yaml"))
        print_facts(asdict(report), as_json, "Imported")


@app.command("chiller-work-orders")
def import_chiller_work_orders(
    source: Source,
    mapping: Mapping = None,
    time_zone: TimeZone = None,
    plant: PlantFile = None,
    as_json: AsJson = False,
) -> None:
    """Work orders of building chillers: what their codes tell of lives, and what no rule fits."""
    from features.core.clock import clock_from
    from pipelines.imports.chillers import MAPPING, TIME_ZONE, import_chillers

    with told() as settings:
        report = import_chillers(
            source,
            Lake(settings.lake),
            plant or _inside(settings.plant, "chillers.yaml"),
            now=clock_from(settings.replay).now(),
            mapping=mapping or MAPPING,
            time_zone=time_zone or TIME_ZONE,
        )
        print_orders(report, as_json)


def _inside(plant: Path, name: str) -> Path:
    return plant if plant.suffix in {".yaml", ".yml"} else plant / name
