"""What an index of wear moved is told in the signals it is made of."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from features.rul.artefact import Artefact, Calibration, Domain
from features.rul.memory import Memory, Spans, kernels
from features.rul.tracing import Tracer, is_index

Floats = npt.NDArray[np.float64]
NAMES = ("age", "a.level", "b.level")
SPANS = Spans((5.0, 10.0, 20.0, 40.0), (15.0, 30.0), 15.0)
MEMORY = Memory(
    spans=SPANS,
    regimes=None,
    signals=("a.level", "b.level"),
    centre=((10.0, 20.0),),
    scale=((2.0, 4.0),),
    weights=(((-5.0, -1.0), (0.0, 3.0)),),
    offset=((60.0, 7.0),),
    remaining=(0,),
    cap=100.0,
)
ARTEFACT = Artefact(
    name="m", component_class="c", life_unit="cycle", rul_cap=100.0, fingerprint="f", feature_names=NAMES,
    inputs=("age", "a.level.normal", "linear_index_1", "linear_index_2.mean_5h", "rul_index"), base={}, forests={},
    calibration=Calibration(3, calibrated=False), domain=Domain(), condition=None, class_prior={}, trained_units=3,
    failed_units=3, as_of="2025-01-01T00:00:00+00:00", table_versions={}, min_rows=1, memory=MEMORY,
    index_inputs=("a.level.normal", "b.level.normal.mean_5h", "linear_index_1"), index_forest="text",
)  # fmt: skip


def traced(parts: list[float], inner: list[float], added: Floats) -> tuple[dict[str, float], dict[str, float]]:
    tracer = Tracer(ARTEFACT)
    own, through = tracer.credits(np.array(parts), np.array(inner), added)
    assert own.sum() + through.sum() == pytest.approx(sum(parts))
    return dict(zip(tracer.subjects, own, strict=True)), dict(zip(tracer.subjects, through, strict=True))


def test_what_signals_add_is_exactly_what_an_index_differs_from_healthy_time() -> None:
    values = np.array([[1.0, 16.0, 12.0], [2.0, 10.0, 20.0], [3.0, np.nan, 24.0]])
    index = kernels.project(
        MEMORY.normal(values, NAMES),
        MEMORY.regime(values, NAMES),
        np.array(MEMORY.weights),
        np.array(MEMORY.offset),
    )
    added = MEMORY.added(values, NAMES)
    np.testing.assert_allclose(added.sum(axis=2) + np.array(MEMORY.offset), index, rtol=1e-15)
    assert added[0].tolist() == [[-15.0, 2.0], [0.0, -6.0]]
    assert np.isnan(added[2, 0, 0])


def test_an_index_is_told_in_the_signals_that_moved_it_its_way() -> None:
    # Index 1 fell by 15 because of `a` and rose by 2 because of `b`: it fell because of `a`.
    added = np.array([[-15.0, 2.0], [0.0, -6.0]])
    own, through = traced([-0.1, -0.2, -0.4, 0.1, 0.0], [0.0, 0.0, 0.0], added)
    assert (own["age"], own["a.level"], own["linear_index_1"], own["linear_index_2"]) == (-0.1, -0.2, 0.0, 0.0)
    assert [through["a.level"], through["b.level"]] == pytest.approx([-0.4, 0.1])


def test_signals_that_moved_an_index_together_share_it() -> None:
    _, through = traced([0, 0, -0.8, 0, 0], [0.0, 0.0, 0.0], np.array([[-3.0, -1.0], [0.0, 0.0]]))
    assert [through["a.level"], through["b.level"]] == pytest.approx([-0.6, -0.2])


def test_the_supervised_index_is_told_by_what_moved_it_indices_handed_on() -> None:
    # Within `rul_index`: a -1, b -1, and a linear index -2, which is a alone.
    own, through = traced([0, 0, 0, 0, -0.8], [-1.0, -1.0, -2.0], np.array([[-3.0, 1.0], [0.0, 0.0]]))
    assert own["rul_index"] == 0.0
    assert [through["a.level"], through["b.level"]] == pytest.approx([-0.6, -0.2])


def test_an_index_that_nothing_explains_keeps_its_credit() -> None:
    unknown = np.full((2, 2), np.nan)
    own, through = traced([0, 0, -0.5, 0, -0.5], [0.0, 0.0, 0.0], unknown)
    assert (own["linear_index_1"], own["rul_index"]) == (-0.5, -0.5)
    assert not any(through.values())


def test_indices_are_told_apart_from_quantities() -> None:
    assert [is_index(name) for name in ("rul_index", "linear_index_2", "a.level", "age")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_model_without_memory_has_nothing_to_hand_on() -> None:
    plain = dataclasses.replace(ARTEFACT, inputs=NAMES, memory=None, index_inputs=(), index_forest="")
    tracer = Tracer(plain)
    assert tracer.subjects == ("a.level", "age", "b.level")
    assert tracer.summed(np.array([1.0, 2.0, 3.0])).tolist() == [2.0, 1.0, 3.0]
