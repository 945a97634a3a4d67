"""However a command ends, nothing that it started goes on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Step 2 of the demo up to where the stand-in ERP runs.
SANDBOX = """
import sys, time
from pathlib import Path
from serving.demo.sandbox import sandbox
with sandbox(Path(sys.argv[1])) as port:
    print(port, flush=True)
    time.sleep(60)
"""


def _environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WEARCAST_")}
    return clean | {"PYTHONPATH": str(ROOT)} | more


def _started(*words: str, cwd: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=cwd,
        env=_environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _using(folder: Path) -> list[str]:
    """Command lines of the processes that name or work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            works_in = os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(folder) in command or works_in.startswith(str(folder)):
            found.append(command)
    return found


def _until(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert _until(lambda: _using(tmp_path) == []), _using(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_stand_in_erp_ends_with_the_demo(folder: Path, number: signal.Signals) -> None:
    parent = _started("-c", SANDBOX, str(folder), cwd=folder)
    assert parent.stdout is not None
    assert int(parent.stdout.readline()) > 0
    assert any("sandbox-erp" in command for command in _using(folder))
    parent.send_signal(number)
    parent.communicate(timeout=20)
    assert parent.returncode != 0


# A package whose command starts a program of its own and waits, as the demo does.
FRONT = """
import sys
import wearcast
start, child = wearcast.Popen, sys.argv.pop()
wearcast.Popen = lambda command: start([sys.executable, "-c", child])
wearcast.app(["plan"])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_front_door_passes_a_signal_on_and_waits(folder: Path, number: signal.Signals) -> None:
    child = "import time\ntry:\n print(1, flush=True); time.sleep(60)\nfinally:\n open('ended', 'w')"
    if number is signal.SIGTERM:
        child = "import signal\nsignal.signal(15, signal.default_int_handler)\n" + child
    parent = _started("-c", FRONT, child, cwd=folder)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "1\n"
    parent.send_signal(number)
    parent.communicate(timeout=20)
    assert (folder / "ended").exists()
    assert parent.returncode != 0


def test_a_command_that_was_killed_is_no_success(folder: Path) -> None:
    parent = _started("-c", FRONT, "import os; os.kill(os.getpid(), 9)", cwd=folder)
    parent.communicate(timeout=20)
    assert parent.returncode != 0


PLANT = """
component_classes: [{id: winding}]
sites:
  - id: s
    machines:
      - id: M1
        components: [{slot: W, component_class: winding}]
        measuring_points: [{id: T, role: winding_temperature, quantity: temperature, unit: degC}]
"""


@pytest.mark.parametrize("side", ["pipelines", "serving"])
def test_a_taken_port_is_told_and_nothing_stays(folder: Path, side: str) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "plant.yaml").write_text(PLANT, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        variables = {f"WEARCAST_{side.upper()}_PLANT": "data/plant.yaml"}
        name = {"pipelines": "WEARCAST_PIPELINES_DAGSTER_PORT", "serving": "WEARCAST_SERVING_PORT"}[side]
        up = _started("-m", side, "up", cwd=folder, **variables, **{name: port})
        _, said = up.communicate(timeout=60)
    assert up.returncode not in (0, None)
    assert port in said
    assert "Traceback" not in said
