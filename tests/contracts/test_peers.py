"""Real systems in the tests: never silently missing where they must be, nothing of theirs in the repository."""

from pathlib import Path

import pytest

from tests.peers.absent import absent

ROOT = Path(__file__).parents[2]


def test_a_missing_peer_is_a_skip_with_its_reason_on_a_laptop() -> None:
    with pytest.raises(pytest.skip.Exception, match="npm is not installed"):
        absent("npm is not installed", {})


def test_a_missing_peer_is_a_failure_where_peers_must_be() -> None:
    with pytest.raises(pytest.fail.Exception, match="npm is not installed"):
        absent("npm is not installed", {"ERP_PEERS": "1"})


def test_nothing_of_a_peer_is_in_the_repository() -> None:
    foreign = [
        file.name
        for file in (ROOT / "tests").rglob("*")
        if file.suffix in (".csn", ".edmx", ".tgz") or file.name in ("node_modules", "package-lock.json")
    ]
    assert foreign == []
