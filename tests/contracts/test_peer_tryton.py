"""Tryton as a peer: asked for by name, kept out of the repository and of the project's own environment."""

import importlib.util
from pathlib import Path

import pytest

from tests.peers.tryton.install import PACKAGES, MissingPeerError, installed

ROOT = Path(__file__).parents[2]


def test_peer_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ERP_PEERS_CACHE", str(tmp_path))
    with pytest.raises(MissingPeerError, match=r"python -m tests\.peers\.tryton\.install"):
        installed(install=False)


def test_nothing_of_it_is_in_our_environment_or_requirements() -> None:
    assert importlib.util.find_spec("trytond") is None
    pinned = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert [name for name in PACKAGES if name.partition("==")[0] in pinned] == []
