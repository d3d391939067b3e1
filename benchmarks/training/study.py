"""All rates and seeds of one optimizer, trained in one program."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from benchmarks.training.loop import Task, trainer
from optax_extra import SweepResult, sweep
from surfaces import ROSTER

Array = NDArray[Any]


class Runs(NamedTuple):
    """How all trainings are run.

    Attributes:
      rates: learning rates.
      seeds: how many trainings at each, of other first params and another order.
      at_once: trainings that the device runs at the same time.
      checkpoint: folder that keeps what is trained, or None.
      progress: whether to show a bar.
    """

    rates: Array
    seeds: int
    at_once: int
    checkpoint: Path | None = None
    progress: bool = False


class Trained(NamedTuple):
    """What one optimizer reached; R rates, S seeds, E epochs.

    Attributes:
      name: of the optimizer.
      label: what legends call it.
      rates: `[R]`.
      history: loss, accuracy, validation_loss and validation_accuracy to `[R, S, E]`;
        of the batches trained on the mean over the epoch.
      test: accuracy at the end `[R, S]`.
      best: the rate of the highest validation accuracy at the end, over all seeds.
      diverged: trainings that met NaN or infinity.
      losses: of every step at the best rate `[S, steps]`.
      gradients: shares of log10 |gradient| at the best rate `[steps, BINS]`, the mean
        over seeds; None if not asked for.
    """

    name: str
    label: str
    rates: Array
    history: dict[str, Array]
    test: Array
    best: int
    diverged: int
    losses: Array
    gradients: Array | None

    @property
    def best_rate(self) -> float:
        """The learning rate to compare by."""
        return float(self.rates[self.best])

    @property
    def at_edge(self) -> bool:
        """Whether a better rate may lie beyond those tried."""
        return len(self.rates) > 1 and self.best in (0, len(self.rates) - 1)


def train_all(task: Task, name: str, runs: Runs, *, gradients: bool = False) -> Trained:
    """One optimizer at every rate and seed."""
    train = trainer(task, ROSTER[name], gradients=gradients)
    result = _sweep(train, name, runs)
    values = {key: np.asarray(value) for key, value in result.values.items()}
    (best,) = result.best_index(_validated, largest=True)
    steps = values["loss"][best].reshape(runs.seeds, -1)
    histograms = values.pop("gradients", None)
    if histograms is not None:
        histograms = histograms[best].mean(axis=0).reshape(-1, histograms.shape[-1])
    for of_batches in ("loss", "accuracy"):
        values[of_batches] = values[of_batches].mean(axis=-1)
    return Trained(
        name=name,
        label=ROSTER[name].label,
        rates=runs.rates,
        test=values.pop("test_accuracy"),
        history=values,
        best=best,
        diverged=int(np.sum(result.diverged)),
        losses=steps,
        gradients=histograms,
    )


def warm_up_adam(task: Task, warmups: Sequence[float], runs: Runs) -> Array:
    """Adam's test accuracy `[warmups, rates, seeds]`, the warm-ups in epochs."""
    steps = np.round(np.asarray(warmups) * task.epoch_steps)
    train = trainer(task, ROSTER["adam"])
    result = _sweep(train, "adam-warm-up", runs, warmup=steps)
    return np.asarray(result.values["test_accuracy"])


def _sweep(
    train: Callable[..., Any], name: str, runs: Runs, **axes: Array
) -> SweepResult:
    seeds = jax.random.split(jax.random.key(0), runs.seeds)
    return sweep(
        train,
        {**axes, "learning_rate": runs.rates, "seed": seeds},
        batch_size=runs.at_once,
        checkpoint=runs.checkpoint and runs.checkpoint / name,
        progress=runs.progress,
    )


def _validated(values: Any) -> Array:
    return np.asarray(values["validation_accuracy"])[..., -1].mean(axis=-1)
