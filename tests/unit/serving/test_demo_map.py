from serving.demo.orders import _mapped
from tests.unit.serving._fleet import NOW, plant_of


def test_bearings_of_the_demo_have_a_place_in_its_erp() -> None:
    """Their plant file names none, and nothing is written for a machine without one."""
    plant = plant_of(location="")
    limits = _mapped(plant, NOW)
    assert all(any(limits.mapping.place_of(machine)) for machine in plant.machines)
