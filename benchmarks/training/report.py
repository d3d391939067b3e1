"""What was found, as tables in Markdown and as JSON."""

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import flax
import jax
import numpy as np
import optax

from benchmarks.training.optimizers import NEAREST
from benchmarks.training.speed import Speed
from benchmarks.training.study import Array, Trained
from surfaces import ROSTER
from surfaces.files import replacing

NEAR = 0.05  # of the best accuracy
DEARER = 1.05  # than the nearest of Optax's: then the table says why


def trained_table(trained: Sequence[Trained]) -> str:
    """A row an optimizer: its best rate, and how little the rate matters."""
    lines = [
        "| optimizer | best rate | test accuracy, % "
        "| rates within 5 points of its best | diverged |",
        "|---|---|---|---|---|",
    ]
    for one in trained:
        rate = f"{one.best_rate:.2g}{' (edge)' if one.at_edge else ''}"
        lines.append(
            f"| {one.label} | {rate} | {_spread(one.test[one.best])} "
            f"| {_near(one)} | {one.diverged} of {one.test.size} |"
        )
    return "\n".join(lines)


def depth_table(blocks: Sequence[int], depths: Sequence[Sequence[Trained]]) -> str:
    """A row an optimizer, a column a depth: test accuracy, and the best rate."""
    heads = " | ".join(f"{count} blocks" for count in blocks)
    lines = [f"| optimizer | {heads} |", "|---" * (len(blocks) + 1) + "|"]
    for row in zip(*depths, strict=True):
        cells = (f"{_spread(one.test[one.best])} at {one.best_rate:.2g}" for one in row)
        lines.append(f"| {row[0].label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def warmup_table(warmups: Sequence[float], adam: Array, radam: Trained) -> str:
    """Mean test accuracy of Adam, a row a warm-up and a column a rate, and RAdam's."""
    rows = [*(f"Adam, {warmup:g}" for warmup in warmups), "RAdam, 0"]
    heads = " | ".join(f"{rate:.2g}" for rate in radam.rates)
    lines = [
        f"| optimizer, epochs of warm-up | {heads} |",
        "|---" * (len(radam.rates) + 1) + "|",
    ]
    for row, accuracies in zip(rows, [*adam, radam.test], strict=True):
        cells = " | ".join(f"{100 * mean:.1f}" for mean in accuracies.mean(axis=-1))
        lines.append(f"| {row} | {cells} |")
    return "\n".join(lines)


def speed_table(speeds: Mapping[str, Speed]) -> str:
    """A row an optimizer."""
    lines = [
        "| optimizer | steps a second | compile, s | peak memory, MB "
        "| time of a step / nearest of Optax's |",
        "|---|---|---|---|---|",
    ]
    for name, speed in speeds.items():
        beside = "is Optax's"
        if speed.ratio is not None:
            nearest = NEAREST[name]
            why = f": {nearest.why}" if speed.ratio > DEARER and nearest.why else ""
            beside = f"{speed.ratio:.2f} {nearest.name}{why}"
        lines.append(
            f"| {ROSTER[name].label} | {speed.steps_a_second:,.0f} "
            f"| {speed.compile_seconds:.1f} | {speed.peak_bytes / 1e6:.2f} | {beside} |"
        )
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Where and with what it ran."""
    return {
        "machine": platform.machine(),
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "optax": optax.__version__,
        "flax": flax.__version__,
    }


def save(path: Path, record: Mapping[str, Any]) -> None:
    """JSON with what is no number as null; the whole file or none of it."""
    text = json.dumps(_plain(record), allow_nan=False, default=str)
    with replacing(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8")


def _plain(thing: Any) -> Any:
    """Named tuples as objects, arrays as lists of five digits."""
    if hasattr(thing, "_asdict"):
        thing = thing._asdict()
    if isinstance(thing, Mapping):
        return {key: _plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_plain(entry) for entry in thing]
    if isinstance(thing, (np.ndarray, np.generic)):
        return _plain(thing.tolist())
    if isinstance(thing, float):
        return float(f"{thing:.5g}") if np.isfinite(thing) else None
    return thing


def _spread(accuracies: Array) -> str:
    return f"{100 * accuracies.mean():.1f} ± {100 * accuracies.std():.1f}"


def _near(one: Trained) -> str:
    """The rates around the best that are as good, and how many decades that is."""
    if len(one.rates) == 1:
        return ""
    means = one.test.mean(axis=-1)
    good = means >= means[one.best] - NEAR
    low = high = one.best
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(good) - 1 and good[high + 1]:
        high += 1
    decades = np.log10(one.rates[high] / one.rates[low])
    return f"{one.rates[low]:.2g} to {one.rates[high]:.2g}, {decades:.1f} decades"
