"""Brings SAP's CAP server and SAP's published service descriptions from npm into a cache, by name.

Nothing of it is part of this repository: the SAP Developer License allows to use it, not to pass it on. Who
installs it accepts that licence, so nothing is installed unasked: `python -m tests.peers.sap_cap.install`
does it and prints where, and so do the tests when `ERP_PEERS` is 1.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "MissingPeerError", "installed", "node_of"]

HERE = Path(__file__).parent
_SDK = "@sap/cloud-sdk-vdm-"
# CAP's database wants node 22 or later. For Linux it comes from npm too; elsewhere the machine's own is taken.
_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_NODE = f"node-linux-{_ARCHITECTURES.get(platform.machine(), 'x64')}" if sys.platform == "linux" else None
PACKAGES = (
    "@sap/cds@9.9.3",
    "@cap-js/sqlite@3.1.1",
    "@cap-js-community/odata-v2-adapter@1.15.10",
    "express@4.22.3",
    *(() if _NODE is None else (f"{_NODE}@22.23.3",)),
    f"{_SDK}maintenance-notification-service@2.1.0",
    f"{_SDK}maintenance-order-service@2.1.0",
    f"{_SDK}equipment-service@2.1.0",
    f"{_SDK}functional-location-service@2.1.0",
)
# Service -> its package, and the entities that are served.
_SERVICES = {
    "API_MAINTNOTIFICATION": (
        "maintenance-notification-service",
        {
            "MaintenanceNotification",
            "MaintenanceNotificationItem",
            "MaintNotificationItemCause",
            "MaintNotificationItemActivity",
        },
    ),
    "API_MAINTENANCEORDER": (
        "maintenance-order-service",
        {"MaintenanceOrder", "MaintenanceOrderOperation", "MaintOrderOpComponent"},
    ),
    "API_EQUIPMENT": ("equipment-service", {"Equipment"}),
    "API_FUNCTIONALLOCATION": ("functional-location-service", {"FunctionalLocation"}),
}
# Entities on a page of the server's answers.
PAGE = 25
_SETTINGS = {
    "requires": {
        "db": {"kind": "sqlite", "credentials": {"url": ":memory:"}},
        "auth": {"kind": "dummy"},
        "middlewares": True,
    },
    "cov2ap": {"path": "sap/opu/odata/sap", "targetPath": "odata/v4/sap"},
    "query": {"limit": {"default": PAGE, "max": PAGE}},
    "features": {"telemetry": False},
    "server": {"index": False, "cors": False},
    "log": {"levels": dict.fromkeys(("cds", "odata", "cov2ap", "cov2ap/hpm", "remote", "server"), "warn")},
}


class MissingPeerError(Exception):
    """The peer is not here: nobody asked for it, or there is no npm or no package registry."""


def installed(*, install: bool | None = None) -> Path:
    """The folder of the server, installed once for each set of versions; several processes may ask at once.

    Args:
        install: Whether it may be installed; None: if `ERP_PEERS` is 1.

    Raises:
        MissingPeerError: It is not installed and may not be, or npm cannot do it.
    """
    if install is None:
        install = os.environ.get("ERP_PEERS") == "1"
    digest = hashlib.sha256(json.dumps(PACKAGES).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("ERP_PEERS_CACHE") or _user_cache())
    folder = cache / f"sap_cap-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    with (cache / f"sap_cap-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            if not install:
                raise MissingPeerError(
                    "SAP's CAP server is not installed; `python -m tests.peers.sap_cap.install` does it with npm, "
                    "under the SAP Developer License"
                )
            _install(folder)
            (folder / "installed").touch()
        _prepare(folder)
    return folder


def node_of(folder: Path) -> Path:
    """The node that runs the server: the one that came with it, else the machine's own."""
    own = shutil.which("node") or "node"
    return Path(own) if _NODE is None else folder / "node_modules" / _NODE / "bin" / "node"


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingPeerError("npm is not installed: SAP's CAP server comes from its registry")
    (folder / "package.json").write_text(json.dumps({"name": "peer", "private": True}), encoding="utf-8")
    quiet = ["--no-audit", "--no-fund", "--no-package-lock"]
    command = [npm, "install", "--ignore-scripts", "--legacy-peer-deps", *quiet, *PACKAGES]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired as err:
        raise MissingPeerError(f"npm did not end within {err.timeout:.0f} s") from err
    if done.returncode != 0 or not node_of(folder).exists():
        raise MissingPeerError(f"npm cannot install {PACKAGES[0]}: {done.stderr[-500:]}")


def _prepare(folder: Path) -> None:
    """Our own files, and SAP's descriptions made to be served."""
    for name in ("server.js", "service.cds"):
        _put(folder / name, (HERE / name).read_text(encoding="utf-8"))
    described = {"name": "peer", "private": True, "dependencies": _dependencies(), "cds": _SETTINGS}
    _put(folder / "package.json", json.dumps(described))
    for service, (package, kept) in _SERVICES.items():
        source = folder / "node_modules" / f"{_SDK}{package}" / f"{package}-csn.json"
        told = json.loads(source.read_text(encoding="utf-8"))
        told["definitions"] = _served(told["definitions"], kept)
        _put(folder / f"{service}.csn", json.dumps(told))


def _put(file: Path, text: str) -> None:
    """Write it if it is another text, all at once: a server may be starting from it."""
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    draft = file.with_name(file.name + ".new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, file)


def _dependencies() -> dict[str, str]:
    """As package.json has them: CAP finds its plugins there."""
    return {name: version for name, _, version in (package.rpartition("@") for package in PACKAGES)}


def _served(definitions: dict[str, Any], kept: set[str]) -> dict[str, Any]:  # Any: SAP's JSON
    """The kept entities as tables, with what belongs to them as compositions, so that deep inserts work."""
    is_kept: Callable[[str], bool] = lambda name: name.rpartition(".")[2] in kept  # noqa: E731
    served = {}
    for name, told in definitions.items():
        if told["kind"] == "entity":
            if not is_kept(name):
                continue
            told = {key: value for key, value in told.items() if key != "@cds.persistence.skip"}
            told["elements"] = {
                field: _composed(element)
                for field, element in told["elements"].items()
                if "target" not in element or ("on" in element and is_kept(element["target"]))
            }
        served[name] = told
    return served


def _composed(element: dict[str, Any]) -> dict[str, Any]:
    many = element.get("cardinality", {}).get("max") == "*"
    return element | {"type": "cds.Composition"} if many else element


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wearcast-peers"


if __name__ == "__main__":
    print(installed(install=True))
