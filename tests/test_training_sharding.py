"""State and steps of every recipe on params that are spread over eight devices."""

import os
import subprocess
import sys
from pathlib import Path

EIGHT = "--xla_force_host_platform_device_count=8"
# Programs are split among devices long before their code is optimized.
FAST = "--xla_backend_optimization_level=0"


def test_training_on_eight_devices() -> None:
    tests = Path(__file__).with_name("eight_devices.py")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", str(tests)],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": f"{EIGHT} {FAST}"},
    )
    assert run.returncode == 0, run.stdout
