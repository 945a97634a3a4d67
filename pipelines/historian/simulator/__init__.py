"""A plant that wears, as a historian: for the demo, the benchmark and tests.

config      parameters, read from `data/simulator/*.yaml`, and their hash
machinery   the machines, before anything happens
operation   load, speed, starts and stops       symptoms   harmless changes that look like faults
damage      how a part dies                     lives      who died when, and who was replaced in time
thermal     temperatures                        vibration  waveforms
station     one machine's whole existence       snapshots  its waveforms, a week at a time
delivery    what the historian makes of it      log        what people write down
adapter     the port                            plant, record   the plant document, the truth file
"""

from pipelines.historian.simulator.adapter import Simulator
from pipelines.historian.simulator.config import SimulatorConfig, read_config
from pipelines.historian.simulator.plant import plant_document
from pipelines.historian.simulator.record import truth, write_truth

__all__ = ["Simulator", "SimulatorConfig", "plant_document", "read_config", "truth", "write_truth"]
