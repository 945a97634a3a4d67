"""Programs start together and end together, whatever ends the one who started them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.core.errors import ConfigError
from features.core.processes import run_together

ROOT = Path(__file__).parents[2]
# Says in a file that it runs, starts a program of its own in its group, and waits.
PROGRAM = """
import os, pathlib, subprocess, sys, time
if len(sys.argv) == 2:
    subprocess.Popen([sys.executable, __file__, sys.argv[1] + ".own", "last"])
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(60)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + PROGRAM


def _alive(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _gone(pids: list[int], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while any(_alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(_alive(pid) for pid in pids)


def _told(folder: Path, *names: str) -> list[int]:
    """Numbers of the processes that write these files; waits for them."""
    end = time.monotonic() + 20.0
    files = [folder / name for name in names]
    while not all(file.exists() and file.read_text() for file in files) and time.monotonic() < end:
        time.sleep(0.02)
    return [int(file.read_text()) for file in files]


def _parent(pid: int) -> int:
    return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    yield tmp_path
    for file in (name for name in tmp_path.iterdir() if name.suffix not in (".py", ".log")):
        if _alive(pid := int(file.read_text())):
            os.kill(pid, signal.SIGKILL)


def _supervisor(folder: Path, *programs: str, grace_s: float = 20.0) -> subprocess.Popen[bytes]:
    commands = {f"n{i}": [sys.executable, str(folder / file), f"n{i}"] for i, file in enumerate(programs)}
    script = "import json, sys; from features.core.processes import run_together; "
    script += f"sys.exit(run_together(json.loads(sys.argv[1]), grace_s={grace_s}))"
    return subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(commands)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )


def test_killing_the_supervisor_ends_all_that_it_started(folder: Path) -> None:
    supervisor = _supervisor(folder, "program.py", "program.py")
    pids = _told(folder, "n0", "n1", "n0.own", "n1.own")
    supervisor.kill()
    supervisor.wait()
    assert _gone(pids)


def test_killing_the_supervisor_ends_what_will_not_end(folder: Path) -> None:
    supervisor = _supervisor(folder, "stubborn.py", grace_s=0.2)
    pids = _told(folder, "n0", "n0.own")
    supervisor.kill()
    supervisor.wait()
    assert _gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word to an orphan is Linux's")
def test_killing_the_holder_ends_its_program_and_the_others(folder: Path) -> None:
    supervisor = _supervisor(folder, "program.py", "program.py")
    first, second = _told(folder, "n0", "n1")
    os.kill(_parent(first), signal.SIGKILL)
    assert _gone([first, second])
    assert supervisor.wait(20) != 0


def test_killing_up_of_both_sides_ends_the_sides_and_their_programs(folder: Path) -> None:
    """As `wearcast up` runs: a supervisor of supervisors."""
    inner = {"program": [sys.executable, str(folder / "program.py"), "n0"]}
    side = {"side": [sys.executable, "-m", "features.core.processes", json.dumps(inner)]}
    up = subprocess.Popen(
        [sys.executable, "-m", "features.core.processes", json.dumps(side)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    pids = _told(folder, "n0", "n0.own")
    pids.append(_parent(_parent(pids[0])))  # the side
    up.kill()
    up.wait()
    assert _gone(pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_programs_and_is_no_failure(folder: Path, number: signal.Signals) -> None:
    supervisor = _supervisor(folder, "program.py", "program.py")
    pids = _told(folder, "n0", "n1", "n0.own", "n1.own")
    supervisor.send_signal(number)
    assert supervisor.wait(20) == 0
    assert _gone(pids, 0.5)


def test_when_one_program_ends_the_others_are_ended_and_its_code_is_told(tmp_path: Path) -> None:
    began = time.monotonic()
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert run_together({"ends": [sys.executable, "-c", "raise SystemExit(3)"], "sleeps": sleeper}) == 3
    assert run_together({"ends": [sys.executable, "-c", ""], "sleeps": sleeper}) == 1
    assert time.monotonic() - began < 30


def test_a_program_that_is_not_there_is_named_and_nothing_starts(tmp_path: Path) -> None:
    write = [sys.executable, "-c", f"open({str(tmp_path / 'started')!r}, 'w')"]
    with pytest.raises(ConfigError, match=r"cannot start absent: .*missing"):
        run_together({"writes": write, "absent": [str(tmp_path / "missing")]})
    time.sleep(0.3)
    assert not (tmp_path / "started").exists()


def test_output_of_a_program_goes_into_its_log(tmp_path: Path) -> None:
    says = [sys.executable, "-c", "import sys; print('one'); sys.exit('two')"]
    assert run_together({"says": says}, {"PYTHONUNBUFFERED": "1"}, tmp_path / "logs") == 1
    assert (tmp_path / "logs" / "says.log").read_text() == "one\ntwo\n"
