"""The visualizer's paths over its surfaces, taken by our recipes."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_extra as ox
from surfaces.functions import SURFACES

REFERENCE = pathlib.Path(__file__).parent / "reference"
DATA = json.loads((REFERENCE / "trajectories.json").read_text(encoding="utf-8"))
RECORDS = {
    f"{record['surface']}/{record['optimizer']}": record for record in DATA["records"]
}

# The visualizer's six, each as our recipe of a learning rate. Its weight decay of 1e-16
# is below the rounding of the params.
ROSTER = {
    "SGD": optax.sgd,
    "Lion": lambda lr: ox.lion(lr, weight_decay=0.0),
    "AdamW": lambda lr: ox.adamd(lr, eps=1e-16, eps_root=1e-16 / (1 - 0.999)),
    "AdaBelief": lambda lr: ox.adabelief(lr, bias_correction_mu=False),
    "AdaDerivative": lambda lr: ox.adaderivative(lr, bias_correction_mu=False),
    "AdaBC": ox.adabc,
}


@pytest.mark.parametrize("name", RECORDS)
def test_takes_the_path_of_the_visualizer(name, x64):
    record = RECORDS[name]
    surface = SURFACES[record["surface"].lower()]
    optimizer = ROSTER[record["optimizer"]](
        DATA["optimizers"][record["optimizer"]]["lr"]
    )

    def step(carry, _):
        point, state = carry
        value, gradient = jax.value_and_grad(surface)(point)
        updates, state = optimizer.update(gradient, state, point)
        moved = optax.apply_updates(point, updates)
        return (moved, state), jnp.append(point, value)

    start = jnp.array(record["start"])
    assert surface.start == tuple(record["start"])
    expected = np.stack([record[axis] for axis in "xyz"], axis=-1)
    seen = jax.lax.scan(step, (start, optimizer.init(start)), length=len(expected))[1]
    # From the index that the file names on, the original's own path is rounding noise.
    end = record["rounding_noise"]["first_index_dev_gt_1e-9"]
    np.testing.assert_allclose(seen[:end], expected[:end], rtol=0, atol=1e-9)
