"""Brings Tryton from the Python package index into a cache, by name, in an environment of its own.

Nothing of it is part of this repository. `python -m tests.peers.tryton.install` installs it and prints where.
"""

import fcntl
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.peers.tryton.server import DATABASE, Rpc, Server

__all__ = ["MissingPeerError", "installed"]

PACKAGES = ("trytond==8.2.1", "trytond_company==8.2.0", "trytond_project==8.2.0", "trytond_timesheet==8.2.0")
# People in Tryton: who keeps it, and the user of ours with the least rights that the mapping needs.
PASSWORDS = {"admin": "a keeper for tests", "wearcast": "a secret for tests"}
STATUSES = ("Planned", "In progress", "On hold", "Cancelled")
MACHINES = ("P101", "P102")


class MissingPeerError(Exception):
    """The peer cannot be installed here: no package index, or not these versions."""


def installed(*, install: bool | None = None) -> Path:
    """The folder with `env` and a prepared `template`, made once for each set of versions and of what is below.

    Args:
        install: Whether it may be installed; None: if `ERP_PEERS` is 1.

    Raises:
        MissingPeerError: It is not installed and may not be, or pip cannot do it.
    """
    if install is None:
        install = os.environ.get("ERP_PEERS") == "1"
    told = json.dumps([PACKAGES, PASSWORDS, STATUSES, MACHINES, Path(__file__).read_text(encoding="utf-8")])
    digest = hashlib.sha256(told.encode()).hexdigest()[:12]
    environment = hashlib.sha256(json.dumps([PACKAGES, sys.version_info[:2]]).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("ERP_PEERS_CACHE") or _user_cache())
    cache.mkdir(parents=True, exist_ok=True)
    env, folder = cache / f"tryton-env-{environment}", cache / f"tryton-{digest}"
    with (cache / "tryton.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (env / "installed").exists():
            if not install:
                raise MissingPeerError("Tryton is not installed; `python -m tests.peers.tryton.install` does it")
            _install(env)
            (env / "installed").touch()
        if not (folder / "prepared").exists():
            folder.mkdir(exist_ok=True)
            (folder / "env").unlink(missing_ok=True)
            (folder / "env").symlink_to(env)
            _prepare(folder)
            (folder / "prepared").touch()
    return folder


def _install(env: Path) -> None:
    try:
        subprocess.run([sys.executable, "-m", "venv", str(env)], check=True, capture_output=True, timeout=120)
        command = [str(env / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as err:
        raise MissingPeerError(f"Tryton's environment cannot be made: {err}") from err
    if done.returncode != 0:
        raise MissingPeerError(f"pip cannot install {PACKAGES[0]}: {done.stderr[-500:]}")


def _prepare(folder: Path) -> None:
    """A database with the modules, a company, a user of ours, statuses, and machines as projects."""
    template = folder / "template"
    template.mkdir(exist_ok=True)
    database = template / f"{DATABASE}.sqlite"
    database.unlink(missing_ok=True)
    database.touch()
    server = Server(folder / "env", template)
    password = template / "password"
    password.write_text(PASSWORDS["admin"], encoding="utf-8")
    server.admin("--email", "keeper@works.example", "--all", TRYTONPASSFILE=str(password))
    server.admin("-u", "project", "timesheet", "--activate-dependencies")
    with server.running() as url, Rpc(url, "admin", PASSWORDS["admin"]) as rpc:
        told = _furnished(rpc)
    # What Tryton has left in the journal belongs into the file that is copied.
    with closing(sqlite3.connect(database)) as held:
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


def _furnished(rpc: Rpc) -> dict[str, object]:
    currency = rpc.call("model.currency.currency.create", [{"name": "Euro", "code": "EUR", "symbol": "E"}])
    party = rpc.call("model.party.party.create", [{"name": "Works"}])
    company = rpc.call("model.company.company.create", [{"party": party[0], "currency": currency[0]}])[0]
    mine = rpc.call("model.res.user.search", [["login", "=", "admin"]], 0, None, None)
    belongs = {"companies": [["add", [company]]], "company": company}
    rpc.call("model.res.user.write", mine, belongs)
    group = rpc.call("model.res.group.create", [{"name": "Wearcast"}])[0]
    model = {"model": "project.work", "group": group, "perm_read": True, "perm_write": True, "perm_create": True}
    rpc.call("model.ir.model.access.create", [model | {"perm_delete": False}])
    login = {"name": "Wearcast", "login": "wearcast", "password": PASSWORDS["wearcast"]}
    rpc.call("model.res.user.create", [login | belongs | {"groups": [["add", [group]]]}])
    status = {"types": ["task"], "progress": None}
    statuses = rpc.call("model.project.work.status.create", [{"name": name, **status} for name in STATUSES])
    project = {"type": "project", "company": company}
    machines = rpc.call("model.project.work.create", [{"name": name, **project} for name in MACHINES])
    return {
        "company": company,
        "statuses": {"Open": 1, "Done": 2, **dict(zip(STATUSES, statuses, strict=True))},
        "machines": dict(zip(MACHINES, machines, strict=True)),
    }


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wearcast-peers"


if __name__ == "__main__":
    print(installed(install=True))
