"""What an attacker on the network, in the browser or in the data gets: nothing."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.checkup import examine
from pipelines.settings import PipelineSettings
from serving.demo.home import signing_secret
from serving.demo.sandbox import sandbox
from tests.integration._problem import assert_problem

ROOT = Path(__file__).parents[2]
TINY = ROOT / "data" / "simulator" / "tiny.yaml"


# A body with one measurement, but for its value.
ONE_ROW = (
    b'{"machine_id": "P1", "measurements": [{"point_id": "temp", "time": "2026-01-20T00:00:00Z", "value": %s}]}'
)


def _raw(api: Any, path: str, **headers: str) -> http.client.HTTPResponse:
    """An answer to a path as it is: other clients tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", int(api.url.rpartition(":")[2]), timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fauth.py",
        "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/%00",
    ],
)
def test_no_file_beside_the_static_ones_is_served(api: Any, path: str) -> None:
    assert _raw(api, path, **api.headers).status == 404


@pytest.mark.parametrize("path", ["/a%0d%0aSet-Cookie:%20x=1", "/a%0aX-Evil:%201", "/%0d%0a%0d%0a<b>"])
def test_a_line_break_in_a_path_makes_no_header(api: Any, path: str) -> None:
    answer = _raw(api, path, Accept="text/html")
    names = {name.lower() for name, _ in answer.getheaders()}
    assert answer.status == 303
    assert not names & {"set-cookie", "x-evil"}
    assert str(answer.getheader("location")).startswith("/sign-in?next=/")


@pytest.mark.parametrize(
    "goal", ["//elsewhere.example", "/\\elsewhere.example", "/a\r\nSet-Cookie: x=1", "https:e"]
)
def test_signing_in_leads_nowhere_else(api: Any, goal: str) -> None:
    answer = httpx.post(f"{api.url}/sign-in", data={"token": api.token, "next": goal})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert answer.headers.get_list("set-cookie")[0].startswith("wearcast_session=")


@pytest.mark.parametrize("machine_id", ["P1' OR '1'='1", "P1'; DROP TABLE recommendations;--", "P1) OR (1=1"])
def test_sql_in_an_id_is_only_an_id(client: httpx.Client, machine_id: str) -> None:
    before = client.get("/v1/work-orders").json()["work_orders"]
    assert client.get(f"/v1/machines/{machine_id}").status_code == 404
    assert client.get("/v1/work-orders", params={"machine_id": machine_id}).json()["work_orders"] == []
    assert client.post("/v1/work-orders/1 OR 1=1/approve").status_code == 422
    assert client.get("/v1/work-orders").json()["work_orders"] == before != []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"machine_id": "P1", "feature_rows": ' + b'{"a":' * 5_000,
        ONE_ROW % b"NaN",
        ONE_ROW % b"-Infinity",
        ONE_ROW % b"1e999",
        b"\xff\xfe",
        b"",
    ],
    ids=["nested lists", "nested objects", "NaN", "infinity", "too large a number", "no UTF-8", "empty"],
)
def test_a_body_made_to_hurt_is_a_422_problem(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/predictions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:wearcast:problem:invalid-request"


def test_the_same_body_with_a_number_is_answered(client: httpx.Client) -> None:
    answer = client.post("/v1/predictions", content=ONE_ROW % b"60", headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["refusal"]["reason"]


def test_an_endless_body_without_a_length_is_cut_off(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 1_000_000

    answer = client.post("/v1/predictions", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def _listening(pid: int) -> set[str]:
    """Addresses (as the kernel writes them) on which a process listens."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(entry))
        except OSError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1].rpartition(":")[0])
    return found


def test_api_and_stand_in_erp_listen_on_loopback_only(api: Any, tmp_path: Path) -> None:
    loopback = socket.inet_aton("127.0.0.1")[::-1].hex().upper()
    assert _listening(api.process.pid) == {loopback}
    with sandbox(tmp_path):
        # The stand-in, and the process that ends it with its starter.
        both = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and str(tmp_path).encode() in (entry / "cmdline").read_bytes()
        ]
        assert set().union(*(_listening(pid) for pid in both)) == {loopback}
    assert signing_secret(tmp_path) not in (tmp_path / "sandbox-erp.log").read_bytes()
    assert (tmp_path / "erp.secret").stat().st_mode & 0o777 == 0o600


# The interpreter itself tells of every name looked up and every connection tried; nothing can go round it.
GUARD = """
import sys
tried = []
def watch(event, args):
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            tried.append([event, str(address)])
            raise OSError("no way out")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if args[0] not in (None, "", "127.0.0.1", "::1", "localhost"):
            tried.append([event, str(args[0])])
            raise OSError("no way out")
sys.addaudithook(watch)
import socket
for way in (lambda: socket.getaddrinfo("name.invalid", 9), lambda: socket.socket().connect(("198.51.100.1", 9))):
    try:
        way()
    except OSError as err:
        assert str(err) == "no way out"  # the guard sees and stops
assert len(tried) == 2
tried.clear()
"""
WALK = """
import datetime as dt, json, threading, time
from dataclasses import replace
from pathlib import Path
import yaml
from features.core.clock import DemoClock
from features.core.telemetry import silence_dependencies
silence_dependencies()
from pipelines.historian.simulator import plant_document, read_config
from pipelines.settings import PipelineSettings, SourceSettings
from pipelines.walk import Walk
end = dt.datetime(2025, 2, 15, tzinfo=dt.UTC)
Path("plant.yaml").write_text(yaml.safe_dump(plant_document(read_config(Path("config.yaml")))))
source = SourceSettings.model_validate({"kind": "simulator", "config": "config.yaml"})
walk = Walk.open(PipelineSettings(plant="plant.yaml", lake="lake", models="sqlite:///mlflow.db",
                                  artifacts="artifacts", sources={"simulator": source}))
walk = replace(walk, clock=DemoClock(end))
walk.ingest(until=end)
walk.features(as_of=end)
walk.lives(as_of=end)
walk.train("rolling_bearing", as_of=end)
said = walk.score(as_of=end)
time.sleep(1.0)  # telemetry would be sent by a thread
print(json.dumps({"statements": len(said), "tried": tried}))
"""


def test_a_walk_tries_no_connection_to_anywhere(tmp_path: Path) -> None:
    small = TINY.read_text(encoding="utf-8").replace("machines: {pump: 1, motor: 1, fan: 1, gearbox: 1}", "")
    few = "\nmachines: {pump: 2, motor: 0, fan: 0, gearbox: 0}\n"
    (tmp_path / "config.yaml").write_text(small.replace("history_days: 60", "history_days: 45") + few, "utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WEARCAST_", "MLFLOW_", "DAGSTER_"))}
    # A build machine's mark must not be what keeps telemetry quiet.
    for name in ("CI", "PYTEST_CURRENT_TEST", "DO_NOT_TRACK"):
        clean.pop(name, None)
    ended = subprocess.run(
        [sys.executable, "-c", GUARD + WALK],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["tried"] == []
    assert told["statements"] == 2


def _sign_in(stranger: httpx.Client, token: str) -> httpx.Response:
    return stranger.post("/sign-in", data={"token": token, "next": "/machines/P1"})


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def test_signing_in_opens_a_session_that_reads_pages(stranger: httpx.Client, api: Any) -> None:
    response = _sign_in(stranger, api.token)
    assert (response.status_code, response.headers["location"]) == (303, "/machines/P1")
    assert {"HttpOnly", "SameSite=strict"} <= set(response.headers["set-cookie"].split("; "))
    assert api.token not in response.headers["set-cookie"]
    assert "P10" in stranger.get("/machines/P1").text


def test_a_wrong_token_does_not_sign_in(stranger: httpx.Client) -> None:
    response = _sign_in(stranger, "wrong")
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


def test_an_approval_from_a_page_needs_the_sessions_csrf_token(stranger: httpx.Client, api: Any) -> None:
    _sign_in(stranger, api.token)
    refused = stranger.post("/recommendations/1/approve", data={"csrf": "guessed", "next": "/"})
    assert_problem(refused, 403)
    csrf = _csrf(stranger.get("/").text)
    approved = stranger.post(
        "/recommendations/2/approve", data={"csrf": csrf, "next": "https://elsewhere.example/"}
    )
    assert (approved.status_code, approved.headers["location"]) == (303, "/")


def test_a_session_changes_nothing_through_the_api(stranger: httpx.Client, api: Any) -> None:
    _sign_in(stranger, api.token)
    assert stranger.get("/v1/machines").status_code == 200
    assert_problem(stranger.post("/v1/work-orders/1/approve"), 401)


def test_signing_out_ends_the_session(stranger: httpx.Client, api: Any) -> None:
    _sign_in(stranger, api.token)
    cookie = dict(stranger.cookies)
    assert stranger.post("/sign-out", data={"csrf": _csrf(stranger.get("/").text)}).status_code == 303
    stranger.cookies.update(cookie)
    assert stranger.get("/v1/machines").status_code == 401


def test_it_listens_on_loopback_only(api: Any) -> None:
    port = int(api.url.rpartition(":")[2])
    with socket.socket() as own, pytest.raises(OSError, match="in use"):
        own.bind(("127.0.0.1", port))
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))


def test_check_tells_no_password_of_a_model_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = PipelineSettings(plant=ROOT / "data" / "plant", lake="lake", models="http://u:hunter2@127.0.0.1:9")
    models = next(finding for finding in examine(settings) if finding.subject == "models")
    assert not models.ok
    assert "http://u:***@127.0.0.1:9" in models.detail
    assert "hunter2" not in models.detail
