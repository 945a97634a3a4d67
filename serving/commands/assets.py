"""The plant's machines against the ERP's equipment: read it, match it, confirm, validate."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter

from features.core.clock import SystemClock
from features.core.errors import ConfigError, RejectedError, UnfitError
from serving.commands.console import AsJson, actor, opened_store, people, show, show_rows, told
from serving.commands.rounds import recorded
from serving.erp import Asset, Assets
from serving.settings import ServingSettings

if TYPE_CHECKING:
    from features.core.plant import Plant
    from serving.planning.matching import Proposal

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help=__doc__)
_ASSETS: TypeAdapter[list[Asset]] = TypeAdapter(list[Asset])


@app.command()
def sync(as_json: AsJson = False) -> None:
    """Read the ERP's assets into a file beside the map; nothing is written to the ERP."""
    with told() as settings, opened_store(settings) as store, recorded(settings, store) as orders:
        if not isinstance(orders, Assets):
            raise UnfitError(
                f"{orders.name} does not tell of its assets: set erp.kind and erp.mode = shadow or higher"
            )
        found = orders.assets()
        file = _seen_file(settings)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_ASSETS.dump_json(found, indent=1))
        show({"assets": len(found), "file": str(file)}, as_json, "assets")


@app.command()
def match(
    confirm: Annotated[
        list[str] | None, typer.Option(help="MACHINE=EQUIPMENT or MACHINE=LOCATION, as often as needed.")
    ] = None,
    accept_above: Annotated[
        float | None, typer.Option(help="Confirm proposals of at least this confidence (0 to 1).", min=0, max=1)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose the asset of each machine; what you confirm goes into the map."""
    from features.core.plant import read_plant
    from serving.planning.mapping import AssetMap, MappedAsset, read_asset_map, write_asset_map
    from serving.planning.matching import propose_assets

    with told() as settings, opened_store(settings) as store:
        plant, assets = read_plant(settings.plant), _seen(settings)
        mapping = read_asset_map(settings.erp.assets)
        proposals = propose_assets([one for one in plant.machines if one.id not in mapping.machines], assets)
        chosen = {one.machine_id: one.asset for one in proposals if _is_accepted(one, accept_above)}
        chosen |= dict(_named(text, plant, assets) for text in confirm or [])
        now = SystemClock().now()
        if chosen:
            added = {
                machine_id: MappedAsset(
                    functional_location=asset.functional_location,
                    equipment_number=asset.equipment_number,
                    description=asset.description,
                    confirmed_by=actor(),
                    confirmed_at=now,
                )
                for machine_id, asset in chosen.items()
                if asset is not None
            }
            write_asset_map(settings.erp.assets, AssetMap(machines={**mapping.machines, **added}))
            for machine_id, mapped in added.items():
                store.audit(actor(), "asset.confirmed", machine_id, mapped.model_dump(mode="json"), now)
        rows = [_row(one) | {"confirmed": one.machine_id in chosen} for one in proposals]
        show_rows(rows, as_json, "assets", "all machines are mapped")
        if not as_json:
            people.print(f"{len(chosen)} confirmed in {settings.erp.assets}", highlight=False, soft_wrap=True)


@app.command()
def validate(as_json: AsJson = False) -> None:
    """Say what does not fit between plant file, map and ERP; ends with 1 if anything does not."""
    from features.core.plant import read_plant
    from serving.planning.mapping import read_asset_map
    from serving.planning.matching import validate_map

    with told() as settings:
        plant, mapping = read_plant(settings.plant), read_asset_map(settings.erp.assets)
        findings = validate_map(plant.machines, mapping, _seen(settings))
        rows = [asdict(one) for one in findings]
        show_rows(rows, as_json, "findings", "every machine has its own asset in the ERP")
        if findings:
            raise typer.Exit(1)


def _is_accepted(proposal: "Proposal", least: float | None) -> bool:
    return least is not None and proposal.asset is not None and proposal.confidence >= least


def _named(text: str, plant: "Plant", assets: list[Asset]) -> tuple[str, Asset]:
    machine_id, _, wanted = text.partition("=")
    if machine_id not in {machine.id for machine in plant.machines}:
        raise RejectedError(f"--confirm {text}: no machine {machine_id!r} in the plant file")
    found = [one for one in assets if wanted and wanted in (one.equipment_number, one.functional_location)]
    if len(found) != 1:
        told_how = "no asset" if not found else f"{len(found)} assets"
        raise RejectedError(f"--confirm {text}: {told_how} of the ERP called {wanted!r}: wearcast erp assets sync")
    return machine_id, found[0]


def _row(one: "Proposal") -> dict[str, object]:
    return {
        "machine": one.machine_id,
        "asset": "" if one.asset is None else one.asset.equipment_number or one.asset.functional_location,
        "description": "" if one.asset is None else one.asset.description,
        "confidence": one.confidence,
        "why": one.why,
        "or": "" if one.other is None else one.other.equipment_number or one.other.functional_location,
    }


def _seen_file(settings: ServingSettings) -> Path:
    return settings.erp.assets.with_suffix(".seen.json")


def _seen(settings: ServingSettings) -> list[Asset]:
    file = _seen_file(settings)
    if not file.exists():
        raise ConfigError(f"{file} is not there yet: wearcast erp assets sync")
    return _ASSETS.validate_json(file.read_bytes())
