"""The API as a client sees it: a real server process, real HTTP, a lake on disk."""

import base64
import datetime as dt
import itertools
import json
import re
import shutil
import time
from typing import Any

import httpx
import numpy as np
import pytest

from features.core.tables import MEASUREMENTS, WAVEFORMS
from features.registry import feature_set
from tests.integration._problem import assert_problem

PATHS = [
    ("GET", "/"),
    ("GET", "/machines/P1"),
    ("POST", "/recommendations/1/approve"),
    ("POST", "/sign-out"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
    ("GET", "/v1/machines"),
    ("GET", "/v1/machines/P1"),
    ("GET", "/v1/machines/P1/predictions"),
    ("POST", "/v1/predictions"),
    ("GET", "/v1/work-orders"),
    ("POST", "/v1/work-orders/1/approve"),
    ("GET", "/attention"),
    ("GET", "/v1/attention"),
    ("POST", "/incidents/1/close"),
    ("POST", "/v1/incidents/1/close"),
    ("POST", "/outcomes/1"),
    ("POST", "/v1/outcomes/1"),
    ("GET", "/nothing/here"),
    ("DELETE", "/v1/machines"),
    ("GET", "/static/"),
    ("GET", "/static/../app.py"),
    ("GET", "/health/"),
    ("GET", "//health/live"),
]
WRONG = [
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Basic d2VhcmNhc3Q6d2VhcmNhc3Q="},
    {"Cookie": "wearcast_session=forged"},
]
"""What is no token: nothing, a wrong one, another scheme, a made-up session."""


@pytest.mark.parametrize(("path", "headers"), list(itertools.product(PATHS, WRONG)))
def test_nothing_is_served_without_a_token(
    stranger: httpx.Client, path: tuple[str, str], headers: dict[str, str]
) -> None:
    response = stranger.request(*path, headers=headers)
    assert_problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_browser_without_a_session_is_sent_to_the_sign_in_page(stranger: httpx.Client) -> None:
    response = stranger.get("/machines/P1", headers={"Accept": "text/html"})
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?next=/machines/P1")


def test_liveness_and_readiness_need_no_token(stranger: httpx.Client) -> None:
    assert stranger.get("/health/live").json() == {"status": "live"}
    ready = stranger.get("/health/ready")
    assert ready.status_code == 200, ready.text
    assert [check["name"] for check in ready.json()["checks"]] == ["lake", "store", "champions", "data"]


def test_machines_come_by_risk(client: httpx.Client) -> None:
    answer = client.get("/v1/machines").json()
    assert [machine["id"] for machine in answer["machines"]] == ["P1", "P3", "P2"]
    component = answer["machines"][0]["components"][0]
    assert component["health_state"] == "maintenance_required"
    # 200 running hours at 0.5 running hours an hour are 400 hours.
    assert dt.datetime.fromisoformat(component["p50_at"]) == dt.datetime(2026, 2, 10, 22, 0, tzinfo=dt.UTC)


def test_a_component_that_was_never_scored_is_told_as_such(client: httpx.Client) -> None:
    component = client.get("/v1/machines/P3").json()["components"][0]
    assert (component["prediction"], component["refusal"], component["stale"]) == (None, None, True)


def test_past_predictions_come_newest_first(client: httpx.Client) -> None:
    statements = client.get("/v1/machines/P1/predictions", params={"limit": 4}).json()["statements"]
    moments = [statement["as_of"] for statement in statements]
    assert len(moments) == 4
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("path", ["/v1/machines/P9", "/v1/machines/P9/predictions", "/v1/nothing"])
def test_what_is_not_there_is_a_404_problem(client: httpx.Client, path: str) -> None:
    assert_problem(client.get(path), 404)


def test_another_method_is_a_405_problem(client: httpx.Client) -> None:
    document = assert_problem(client.delete("/v1/machines"), 405)
    assert document["detail"] == "/v1/machines does not take DELETE"


def test_a_wrong_parameter_is_a_422_problem_with_its_place(client: httpx.Client) -> None:
    document = assert_problem(client.get("/v1/machines/P1/predictions", params={"since": "yesterday"}), 422)
    assert (document["errors"][0]["place"], document["errors"][0]["value"]) == ("query.since", "'yesterday'")


def test_online_prediction_of_a_known_machine_is_that_of_the_champion(client: httpx.Client) -> None:
    answer = client.post("/v1/predictions", json={"machine_id": "P1"}).json()
    prediction = answer["prediction"]
    assert prediction["calibrated"]
    assert prediction["p10"] < prediction["p50"] < prediction["p90"]
    assert (prediction["model_name"], prediction["model_version"]) == ("wearcast-rul-rolling_bearing", "1")


def test_a_machine_without_data_gets_a_refusal_with_its_reason_and_200(client: httpx.Client) -> None:
    response = client.post("/v1/predictions", json={"machine_id": "P3"})
    assert response.status_code == 200
    assert response.json()["refusal"]["reason"] == "too_few_windows"


def _batch(api: Any) -> dict[str, float | None]:
    from features.compute import compute, installations_of
    from features.core.tables import MAINTENANCE_EVENTS

    machine = api.plant.machine("P1")
    component = machine.components[0]
    rows = compute(
        api.plant,
        machine,
        component,
        measurements=api.lake.read(MEASUREMENTS, machine_ids=["P1"]).collect(),
        waveforms=api.lake.read(WAVEFORMS, machine_ids=["P1"]).collect(),
        installations=installations_of(MAINTENANCE_EVENTS.empty(), machine, component),
        as_of=api.now,
    )
    names = feature_set(api.plant, "rolling_bearing").names
    return dict(zip(names, rows["values"][-1], strict=True))


def _assert_same(found: dict[str, float | None], expected: dict[str, float | None]) -> None:
    assert found.keys() == expected.keys()
    assert [n for n in expected if (found[n] is None) != (expected[n] is None)] == []
    pairs = {name: (found[name], value) for name, value in expected.items() if value is not None}
    assert len(pairs) > 30
    # Both are the same float64 arithmetic; JSON keeps every digit.
    wrong = {name: pair for name, pair in pairs.items() if pair[0] != pytest.approx(pair[1], rel=1e-9, abs=1e-12)}
    assert wrong == {}


def test_features_of_a_known_machine_are_those_of_batch(client: httpx.Client, api: Any) -> None:
    answer = client.post("/v1/predictions", json={"machine_id": "P1", "include_features": True}).json()
    _assert_same(answer["features"], _batch(api))


def test_features_of_raw_values_in_the_body_are_those_of_batch(client: httpx.Client, api: Any) -> None:
    measurements = [
        {"point_id": row["point_id"], "time": row["time"].isoformat(), "value": row["value"], "unit": "K"}
        for row in api.lake.read(MEASUREMENTS, machine_ids=["P1"]).collect().iter_rows(named=True)
    ]
    waveforms = [
        {
            "point_id": row["point_id"],
            "time": row["time"].isoformat(),
            "sample_rate_hz": row["sample_rate_hz"],
            "samples": np.frombuffer(row["wave"], "<f4").tolist(),
            "unit": "m/s^2",
        }
        for row in api.lake.read(WAVEFORMS, machine_ids=["P1"]).collect().iter_rows(named=True)
    ]
    body = {"machine_id": "P1", "measurements": measurements, "waveforms": waveforms, "include_features": True}
    answer = client.post("/v1/predictions", json=body).json()
    _assert_same(answer["features"], _batch(api))
    assert "prediction" in answer


def test_finished_feature_rows_of_an_unknown_machine_are_answered(client: httpx.Client) -> None:
    rows = [
        {
            "time": f"2026-01-{day:02}T00:00:00Z",
            "age": 24.0 * day,
            "values": {"vibration_h.rms_m_s2": 1.0, "bearing_temperature.level_k": 320.0},
        }
        for day in range(1, 8)
    ]
    body = {"component_class": "rolling_bearing", "feature_rows": rows}
    prediction = client.post("/v1/predictions", json=body).json()["prediction"]
    assert prediction["component_id"] == "unknown/DE-bearing"
    # The model was taught 1000 - 250 x rms; its leaves are as coarse as 300 samples allow.
    assert prediction["p50"] == pytest.approx(750.0, abs=40.0)


def _measurement(**changes: object) -> dict[str, object]:
    one = {"point_id": "temp", "time": "2026-01-20T00:00:00Z", "value": 40.0} | changes
    return {"machine_id": "P1", "measurements": [one]}


MALFORMED: list[tuple[str, str | dict[str, object], str]] = [
    ("no JSON", "{", "body"),
    ("no object", "[]", "body"),
    ("nothing said", "{}", "body"),
    ("an unknown key", {"machine_id": "P1", "machin": 1}, "machin"),
    ("NaN", json.dumps(_measurement(value=float("nan"))), "measurements[0].value"),
    ("infinity", json.dumps(_measurement(value=float("inf"))), "measurements[0].value"),
    ("text for a number", _measurement(value="warm"), "measurements[0].value"),
    ("a naive time", _measurement(time="2026-01-20T00:00:00"), "measurements[0].time"),
    ("the future", _measurement(time="2036-01-20T00:00:00Z"), "measurements[0].time"),
    ("a clock's default", _measurement(time="1970-01-01T00:00:00Z"), "measurements[0].time"),
    ("an unknown point", _measurement(point_id="tmp"), "measurements[0].point_id"),
    ("a waveform point as scalar", _measurement(point_id="vib"), "measurements[0].point_id"),
    ("a unit of another quantity", _measurement(unit="bar"), "measurements[0].unit"),
    ("an impossible value", _measurement(value=999.0), "measurements[0].value"),
    (
        "an unknown class",
        {"component_class": "gear", "feature_rows": [{"time": "2026-01-20T00:00:00Z", "values": {}}]},
        "component_class",
    ),
    ("a class without rows", {"component_class": "rolling_bearing"}, "body"),
    (
        "an unknown feature",
        {"machine_id": "P1", "feature_rows": [{"time": "2026-01-20T00:00:00Z", "values": {"rms": 1.0}}]},
        "feature_rows[0].values",
    ),
    ("as of the future", {"machine_id": "P1", "as_of": "2036-01-01T00:00:00Z"}, "as_of"),
]


@pytest.mark.parametrize(("body", "place"), [pytest.param(b, p, id=name) for name, b, p in MALFORMED])
def test_a_malformed_request_is_told_with_its_place(
    client: httpx.Client, body: str | dict[str, object], place: str
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    response = client.post("/v1/predictions", content=content, headers={"Content-Type": "application/json"})
    document = assert_problem(response, 422)
    assert document["errors"][0]["place"] == place


def test_a_body_that_is_too_large_is_a_413_problem(client: httpx.Client) -> None:
    body = b" " * (32 * 1024 * 1024 + 1)
    response = client.post("/v1/predictions", content=body, headers={"Content-Type": "application/json"})
    assert_problem(response, 413)


def test_a_body_of_another_type_is_a_415_problem(client: httpx.Client) -> None:
    assert_problem(client.post("/v1/predictions", content=b"{}", headers={"Content-Type": "text/plain"}), 415)


def test_approving_twice_queues_one_order(client: httpx.Client) -> None:
    wanted = next(o for o in client.get("/v1/work-orders").json()["work_orders"] if o["machine_id"] == "P2")
    first = client.post(f"/v1/work-orders/{wanted['id']}/approve")
    second = client.post(f"/v1/work-orders/{wanted['id']}/approve")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["state"] == second.json()["state"] == "queued"
    assert first.json()["decided_by"] == "admin (token)"


def test_approving_what_is_not_there_is_a_404_problem(client: httpx.Client) -> None:
    assert_problem(client.post("/v1/work-orders/999/approve"), 404)


def test_work_orders_can_be_told_by_state(client: httpx.Client) -> None:
    every = client.get("/v1/work-orders").json()["work_orders"]
    assert len(every) == 2
    for state in ("proposed", "queued"):
        told = client.get("/v1/work-orders", params={"state": state}).json()["work_orders"]
        assert [order["id"] for order in told] == [order["id"] for order in every if order["state"] == state]


def test_pages_name_nothing_from_another_host(client: httpx.Client) -> None:
    for path in ("/", "/machines/P1", "/docs", "/sign-in", "/static/wearcast.css"):
        response = client.get(path)
        assert response.status_code == 200
        assert re.findall(r"""(?:src|href|action)=["'](?!/|#)|url\(|@import""", response.text) == []
        assert response.headers["content-security-policy"].startswith("default-src 'self'")
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_missing_page_is_a_page_for_a_browser(client: httpx.Client) -> None:
    response = client.get("/machines/P9", headers={"Accept": "text/html"})
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "there is no machine &#39;P9&#39;" in response.text


def test_metrics_count_requests_by_template(client: httpx.Client) -> None:
    client.get("/v1/machines/P1")
    text = client.get("/metrics").text
    assert 'wearcast_http_requests_total{method="GET",route="/v1/machines/{id}",status="200"}' in text
    assert 'wearcast_champion_info{model_name="wearcast-rul-rolling_bearing"' in text
    assert 'wearcast_recommendations{state="queued"}' in text


def test_online_answers_are_kept_in_the_store(client: httpx.Client, api: Any) -> None:
    import sqlite3

    client.post("/v1/predictions", json={"machine_id": "P1"})
    with sqlite3.connect(api.folder / "store.db") as connection:
        actor, subject, document = connection.execute(
            "select actor, subject, document from answers order by id desc limit 1"
        ).fetchone()
    assert (actor, subject) == ("admin (token)", "P1/DE-bearing")
    assert json.loads(document)["prediction"]["component_id"] == "P1/DE-bearing"


def test_the_token_is_in_no_file_and_in_no_log(client: httpx.Client, api: Any) -> None:
    client.get("/v1/machines", params={"token": api.token})
    forms = {api.token, base64.b64encode(api.token.encode()).decode()}
    assert [word for word in forms if word in api.log()] == []
    held = [file for file in api.folder.iterdir() if file.is_file() and file.name != "out"]
    assert [file.name for file in held if api.token.encode() in file.read_bytes()] == []
    assert (api.folder / "token").stat().st_mode & 0o777 == 0o600


def test_a_damaged_champion_is_not_used_and_readiness_says_so(client: httpx.Client, api: Any) -> None:
    folder = api.folder / "champion" / "wearcast-rul-rolling_bearing"
    kept = api.folder / "kept"
    shutil.copytree(folder, kept)
    forest = folder / "forest_p50.txt"
    forest.write_bytes(forest.read_bytes()[:-200])
    (folder / "version.json").write_text(json.dumps({"name": folder.name, "version": "2"}), encoding="utf-8")
    reason = _wait_until_champions_are(client, ok=False)
    assert "forest_p50.txt was changed or cut" in reason
    assert "version 1 stays in use" in reason
    answer = client.post("/v1/predictions", json={"machine_id": "P1"}).json()
    assert answer["prediction"]["model_version"] == "1"
    shutil.copy(kept / "forest_p50.txt", forest)
    _wait_until_champions_are(client, ok=True)
    answer = client.post("/v1/predictions", json={"machine_id": "P1"}).json()
    assert answer["prediction"]["model_version"] == "2"


def _wait_until_champions_are(client: httpx.Client, *, ok: bool) -> str:
    until = time.monotonic() + 15.0
    while time.monotonic() < until:
        check = client.get("/health/ready").json()["checks"][2]
        if check["ok"] is ok:
            return str(check["reason"])
        time.sleep(0.2)
    raise AssertionError(f"champions did not become ok={ok}")
