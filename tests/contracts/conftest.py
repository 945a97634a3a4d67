"""Every ERP once, for all suites that run over it."""

from collections.abc import Iterator

import pytest

from tests.standins.peer import Peer, Vendor
from tests.standins.vendors import PEERS, VENDORS, vendor


@pytest.fixture(
    scope="session", params=[*VENDORS, *(pytest.param(name, marks=pytest.mark.peers) for name in PEERS)]
)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Vendor, Peer]]:
    """One running ERP a vendor."""
    chosen = vendor(request.param)
    with chosen.start(tmp_path_factory.mktemp(request.param)) as peer:
        yield chosen, peer


@pytest.fixture
def peer(world: tuple[Vendor, Peer]) -> Iterator[Peer]:
    yield world[1]
    if world[1].standin is not None:
        world[1].standin.faults()


@pytest.fixture
def faulty(peer: Peer) -> Peer:
    """A peer whose stand-in can go wrong."""
    if peer.standin is None:
        pytest.skip("this peer has no fault injection")
    return peer
