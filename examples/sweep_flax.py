"""Which learning rate? One Flax network at 32 rates from 4 starts, in one call each.

Run: pip install '.[flax]' && python examples/sweep_flax.py [OUT]
"""

import functools
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.style
import numpy as np
import optax
from _digits import accuracy, batches, init, loss
from matplotlib.figure import Figure

import optax_extra
from surfaces.roster import ROSTER, distinct_colours

EPOCHS = 5
BATCHES = [np.stack(arrays) for arrays in zip(*batches(EPOCHS), strict=True)]
RACERS = [ROSTER[name] for name in ("sgd", "adam", "radam", "adabelief", "lion")]
AXES = {
    "learning_rate": jnp.logspace(-5, 1, 32),
    "key": jax.random.split(jax.random.key(0), 4),
}


def train(make_optimizer, learning_rate, key):
    optimizer = make_optimizer(learning_rate)

    def step(carry, batch):
        params, state = carry
        gradients = jax.grad(loss)(params, *batch)
        updates, state = optimizer.update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), None

    params = init(key)
    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), BATCHES)
    return accuracy(params)


@matplotlib.style.context("surfaces.optax_extra")
def compare(train, network, out):
    """Sweeps every optimizer and draws the accuracies over the rates."""
    rates = AXES["learning_rate"]
    figure = Figure(figsize=(6.8, 3.9))
    axes = figure.subplots()
    for racer, colour in zip(RACERS, distinct_colours(RACERS), strict=True):
        result = optax_extra.sweep(functools.partial(train, racer.factory), AXES)
        reached = np.asarray(result.values)  # [rate, key]
        median = np.median(reached, axis=1)
        spread = reached.min(axis=1), reached.max(axis=1)
        axes.fill_between(rates, *spread, color=colour, alpha=0.15, lw=0)
        axes.plot(rates, median, color=colour, label=racer.label)
        best = result.best(lambda reached: np.median(reached, axis=1), largest=True)
        rate, good = best["learning_rate"], (median > 0.9).sum()
        axes.plot(rate, median.max(), "o", color=colour, mec="w", ms=7)
        print(f"{racer.label:9}  best rate {rate:.4f}", end="")
        print(f"  test accuracy {median.max():.3f}", end="")
        print(f"  above 0.9 at {good} of {len(rates)} rates")
    title = f"{network} after {EPOCHS} epochs: median and extremes of 4 starts"
    axes.set(title=title, ylabel="test accuracy", ylim=(0, 1))
    axes.set(xlabel="learning rate", xscale="log", xlim=(rates[0], rates[-1]))
    axes.legend(loc="upper left")
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    print(out)


if __name__ == "__main__":
    compare(train, "A Flax network", Path(*sys.argv[1:2] or ["sweep_flax.png"]))
