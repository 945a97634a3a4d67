"""Two processes agree to the last bit, whether their kernels were compiled just now or loaded from a cache."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import hashlib
import numpy as np
from features.core.plant import FaultOrders
from features.vibration.measure import measure
from features.vibration.plan import Plan, Stage
x = np.random.default_rng(0).standard_normal((9, 2048)).astype(np.float32)
orders = FaultOrders(ftf=0.4, bpfo=3.6, bpfi=5.4, bsf=2.4)
found = measure(x, Plan(2048, 4096.0, np.full(9, 25.0), orders, gear_teeth=20, blades=6), tuple(Stage))
print(hashlib.sha256(b"".join(c.tobytes() for _, c in sorted(found.columns.items()))).hexdigest())
"""


def digest(cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_compiled_and_cached_kernels_give_the_same_bits(tmp_path: Path) -> None:
    compiled = digest(tmp_path)
    assert list(tmp_path.rglob("*.nbi"))
    assert digest(tmp_path) == compiled
