"""Model artefacts: data that comes back as it was, or an error that names the file."""

import dataclasses
import hashlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.core.errors import DamagedArtefactError
from features.rul.artefact import OUTPUTS, Artefact, Calibration, Domain, load, save
from features.rul.condition import ConditionModel
from features.rul.past import PastLife, PastLives

ARTEFACT = Artefact(
    name="wearcast-rul-bearing",
    component_class="bearing",
    life_unit="running_h",
    rul_cap=1 / 3,
    fingerprint="abc",
    feature_names=("age", "vibration_h.rms_m_s2"),
    inputs=("vibration_h.rms_m_s2",),
    base={"mean": 0.1},
    forests={output: f"tree {output} \u00e4\n" for output in OUTPUTS},
    calibration=Calibration(25, True, 0.8, (10.0, 20.0), (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
    domain=Domain((-math.inf,), (5e-324,), (0.9,)),
    condition=ConditionModel(("vibration_h.octave_500hz_rms_m_s2",), 28, 0.7, 0.1, 1 / 7, 4),
    class_prior={"shape": 2.1, "scale": None},
    trained_units=30,
    failed_units=25,
    as_of="2026-01-01T00:00:00+00:00",
    table_versions={"lives": 3, "feature_rows": None},
    min_rows=5,
)
NUMBERS = st.floats(allow_nan=False)


def edit(folder: Path, name: str, change: dict[str, object]) -> None:
    """Change keys of the document and set the digest right again."""
    document = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(document | change))
    digests = json.loads((folder / "digests.json").read_text())
    digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "digests.json").write_text(json.dumps(digests))


def test_artefact_comes_back_as_it_was(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)

    assert load(tmp_path) == ARTEFACT


def test_past_lives_come_back_as_they_were(tmp_path: Path) -> None:
    life = PastLife("P1/DE#1", True, "cage", 9.5, (9.5, 0.0), ((0.25,), (1 / 3,)))
    past = PastLives(ARTEFACT.inputs, ((0.0, 1e-3),), ((0.0, 1.0),), 0.1, (life,))
    remembering = dataclasses.replace(ARTEFACT, past=past)
    save(remembering, tmp_path)

    assert load(tmp_path) == remembering
    damaged = {"past": json.loads((tmp_path / "artefact.json").read_text())["past"] | {"lives": []}}
    edit(tmp_path, "artefact.json", damaged)
    with pytest.raises(DamagedArtefactError, match="past lives"):
        load(tmp_path)


def test_artefact_without_forests_and_condition_comes_back(tmp_path: Path) -> None:
    bare = dataclasses.replace(ARTEFACT, forests={}, condition=None)
    save(bare, tmp_path)

    assert load(tmp_path) == bare


@settings(max_examples=40, deadline=None)
@given(
    edges=st.lists(NUMBERS, max_size=4).map(sorted),
    cap=NUMBERS,
    low=NUMBERS,
    prior=st.dictionaries(st.text(max_size=5), st.none() | NUMBERS, max_size=3),
)
def test_every_number_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    edges: list[float],
    cap: float,
    low: float,
    prior: dict[str, float | None],
) -> None:
    offsets = (*edges, low)
    artefact = dataclasses.replace(
        ARTEFACT,
        forests={},
        rul_cap=cap,
        domain=Domain((low,), (cap,)),
        calibration=Calibration(1, False, 0.8, tuple(edges), offsets, offsets),
        class_prior=prior,
    )
    folder = tmp_path_factory.mktemp("artefact")
    save(artefact, folder)

    assert repr(load(folder)) == repr(artefact)


def test_bound_that_is_not_a_number_comes_back(tmp_path: Path) -> None:
    save(dataclasses.replace(ARTEFACT, domain=Domain((math.nan,), (math.inf,))), tmp_path)

    assert math.isnan(load(tmp_path).domain.low[0])


@pytest.mark.parametrize("name", ["artefact.json", "forest_mean.txt", "forest_p90.txt"])
def test_changed_cut_or_missing_file_is_named(tmp_path: Path, name: str) -> None:
    save(ARTEFACT, tmp_path)
    whole = (tmp_path / name).read_bytes()

    for damaged in (whole[:-1], whole + b" ", whole.replace(b"e", b"f", 1), b""):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(DamagedArtefactError, match=name) as caught:
            load(tmp_path)
        assert caught.value.context["file"] == name
    (tmp_path / name).unlink()
    with pytest.raises(DamagedArtefactError, match=f"{name} is missing"):
        load(tmp_path)


def test_digests_are_compared_before_anything_is_parsed(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)
    (tmp_path / "artefact.json").write_text("{ no json")

    with pytest.raises(DamagedArtefactError, match="was changed or cut"):
        load(tmp_path)


def test_folder_without_digests_is_no_artefact(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)
    (tmp_path / "digests.json").unlink()

    with pytest.raises(DamagedArtefactError, match=r"digests\.json cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    "digests",
    [
        [],
        {},
        {"artefact.json": "0"},
        {"artefact.json": "0" * 64, "../secret": "0" * 64},
        {"forest_mean.txt": "0" * 64},
    ],
)
def test_digests_of_another_form_are_refused(tmp_path: Path, digests: object) -> None:
    save(ARTEFACT, tmp_path)
    (tmp_path / "digests.json").write_text(json.dumps(digests))

    with pytest.raises(DamagedArtefactError, match="no valid digests"):
        load(tmp_path)


def test_file_that_is_not_listed_is_never_read(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)
    (tmp_path / "model.py").write_text("raise SystemExit")

    assert load(tmp_path) == ARTEFACT


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"format": 2},
        {"rul_cap": "125"},
        {"inputs": ["not there"]},
        {"outputs": ["mean"]},
        {"outputs": ["mean", "p10", "p50", "p90", "p99"]},
        {"domain": {"low": [0.0], "high": [1.0]}},
        {
            "domain": {
                "low": [0.0, 1.0],
                "high": [],
                "present": [],
                "tolerated_share": 0.1,
                "tolerated_missing": 0.5,
            }
        },
        {
            "calibration": {
                "units": 1,
                "calibrated": True,
                "nominal": 0.8,
                "edges": [1.0],
                "low": [0.0],
                "high": [0.0],
            }
        },
        {"condition": {"voters": []}},
        {"base": {"p11": 1.0}},
    ],
)
def test_document_of_another_form_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    save(ARTEFACT, tmp_path)
    edit(tmp_path, "artefact.json", change)

    with pytest.raises(DamagedArtefactError, match="register the model again"):
        load(tmp_path)


def test_an_artefact_of_before_past_lives_were_kept_is_read(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)
    document = json.loads((tmp_path / "artefact.json").read_text())
    (tmp_path / "artefact.json").write_text(json.dumps({k: v for k, v in document.items() if k != "past"}))
    edit(tmp_path, "artefact.json", {})

    assert load(tmp_path) == ARTEFACT


def test_missing_key_is_refused(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)
    document = json.loads((tmp_path / "artefact.json").read_text())
    del document["fingerprint"]
    (tmp_path / "artefact.json").write_text(json.dumps(document))
    edit(tmp_path, "artefact.json", {})

    with pytest.raises(DamagedArtefactError, match="fingerprint"):
        load(tmp_path)


def test_edges_must_ascend() -> None:
    with pytest.raises(ValueError, match="ascend"):
        Calibration(30, True, 0.8, (2.0, 1.0), (0.0,) * 3, (0.0,) * 3)
