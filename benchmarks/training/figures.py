"""Figures of what was reached: arrays in, Figure out."""

from collections.abc import Sequence
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from benchmarks.training.study import Array, Trained
from surfaces.figures.palette import PALETTE
from surfaces.figures.terrain import INK, PAPER, QUIET

STYLE = matplotlib.style.context("surfaces.optax_extra")

LINES: dict[str, Any] = {"train": "-", "validation": (0, (3, 2))}

# Some have a colour of their own, so that all figures agree; yellow is none on white.
_OWN = {"sgd": QUIET, "adam": PALETTE[1], "radam": PALETTE[0]}
_OTHERS = [PALETTE[i] for i in (2, 3, 5, 6, 7, 8)]
WARMER = LinearSegmentedColormap.from_list("warmer", ["#ffd2ab", PALETTE[1], "#5c2200"])


def colours(trained: Sequence[Trained]) -> list[str]:
    """One for each optimizer."""
    others = [one.name for one in trained if one.name not in _OWN]
    given = {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(others)}
    return [(_OWN | given)[one.name] for one in trained]


@STYLE
def curves(trained: Sequence[Trained], title: str) -> Figure:
    """Loss and accuracy over epochs, each at its best rate; bands span the seeds."""
    figure = Figure(figsize=(8.6, 3.8))
    panels = figure.subplots(1, 2)
    for axes, key in zip(panels, ("loss", "accuracy"), strict=True):
        for one, colour in zip(trained, colours(trained), strict=True):
            for part, line in LINES.items():
                prefix = "" if part == "train" else f"{part}_"
                seeds = one.history[prefix + key][one.best]
                epochs = np.arange(1, seeds.shape[-1] + 1)
                band(axes, epochs, seeds.T, colour, alpha=0.05, ls=line, lw=1.4)
        axes.set(xlabel="epoch", ylabel=key, xlim=(1, max(epochs[-1], 2)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set(yscale="log")
    _plain_ticks(panels[0].yaxis)
    # From where the worst one stands after a quarter of the epochs: the rest is close.
    quarter = len(epochs) // 4
    worst = min(
        float(np.median(one.history[key][one.best][:, quarter]))
        for one in trained
        for key in ("accuracy", "validation_accuracy")
    )
    _accuracy(panels[1], min(worst, 0.98))
    handles = [
        Line2D([], [], color=colour, label=f"{one.label}, {one.best_rate:.2g}")
        for one, colour in zip(trained, colours(trained), strict=True)
    ]
    handles += [
        Line2D([], [], color=INK, lw=1.4, ls=line, label=label)
        for label, line in LINES.items()
    ]
    figure.legend(handles=handles, loc="outside right center")
    panels[0].set_title(title)
    return figure


@STYLE
def rates(trained: Sequence[Trained], chance: float, title: str) -> Figure:
    """Accuracy at the end against the learning rate; bands span the seeds."""
    figure = Figure(figsize=(6.8, 3.8))
    axes = figure.subplots()
    for one, colour in zip(trained, colours(trained), strict=True):
        look = {"marker": "o", "ms": 3.5, "label": one.label}
        band(axes, one.rates, one.test, colour, **look)
    _by_rate(axes, trained[0].rates, chance)
    _headed(axes, title)
    return figure


@STYLE
def warmups(
    lengths: Sequence[float], adam: Array, radam: Trained, chance: float, title: str
) -> Figure:
    """Adam's accuracy against the rate, a line a warm-up, and RAdam's over them."""
    figure = Figure(figsize=(6.8, 3.8))
    axes = figure.subplots()
    look: dict[str, Any] = {"marker": "o", "ms": 4, "lw": 2.6, "zorder": 3}
    band(axes, radam.rates, radam.test, _OWN["radam"], label="RAdam, none", **look)
    shades = WARMER(np.linspace(0, 1, len(lengths)))
    for length, seeds, shade in zip(lengths, adam, shades, strict=True):
        epochs = f"{length:g} epoch{'s' * (length != 1)}" if length else "none"
        middle, label = np.median(seeds, axis=-1), f"Adam, {epochs}"
        axes.plot(radam.rates, middle, "o-", ms=3, lw=1.4, color=shade, label=label)
    _by_rate(axes, radam.rates, chance)
    look = {"title": "warm-up", "alignment": "left", "loc": "upper left"}
    axes.legend(bbox_to_anchor=(1, 1), **look)
    axes.set_title(title)
    return figure


@STYLE
def depths(
    blocks: Sequence[int],
    trained: Sequence[Sequence[Trained]],
    chance: float,
    title: str,
) -> Figure:
    """Accuracy at the end against depth, each at its best rate there."""
    figure = Figure(figsize=(6.8, 3.8))
    axes = figure.subplots()
    rows = list(zip(*trained, strict=True))
    for row, colour in zip(rows, colours(trained[0]), strict=True):
        seeds = np.stack([one.test[one.best] for one in row])
        band(axes, blocks, seeds, colour, marker="o", ms=4, label=row[0].label)
    axes.set(xlabel="residual blocks", ylabel="test accuracy", xscale="log")
    _guessing(axes, chance)
    axes.set_xticks(list(blocks), [str(count) for count in blocks])
    axes.set_xticks([], minor=True)
    _accuracy(axes)
    _headed(axes, title)
    return figure


def band(
    axes: Axes, x: Any, seeds: Array, colour: str, *, alpha: float = 0.1, **look: Any
) -> None:
    """The median over the last axis, and from the least to the greatest of it."""
    least, greatest = seeds.min(-1), seeds.max(-1)
    axes.fill_between(x, least, greatest, color=colour, alpha=alpha, lw=0)
    axes.plot(x, np.median(seeds, -1), color=colour, mec=PAPER, mew=0.6, **look)


def _by_rate(axes: Axes, tried: Array, chance: float) -> None:
    axes.set(xlabel="learning rate", ylabel="test accuracy", xscale="log")
    axes.set_xlim(tried[0] / 1.2, tried[-1] * 1.2)
    _plain_ticks(axes.xaxis)
    _guessing(axes, chance)
    _accuracy(axes)


def _guessing(axes: Axes, chance: float) -> None:
    """A line at what knowing nothing gives, named beside it."""
    axes.axhline(chance, color=QUIET, lw=0.8, ls=":")
    across = axes.get_yaxis_transform()
    look: dict[str, Any] = {"color": QUIET, "fontsize": 8, "va": "center"}
    axes.text(1.01, chance, "guessing", transform=across, **look)


def _headed(axes: Axes, title: str) -> None:
    """The title, under it the legend in as many rows as it needs, under it the axes."""
    _, labels = axes.get_legend_handles_labels()
    rows = -(-sum(len(label) + 6 for label in labels) // 88)
    look: dict[str, Any] = {"borderaxespad": 0, "columnspacing": 1.4}
    columns = -(-len(labels) // rows)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.02), ncols=columns, **look)
    axes.set_title(title, pad=12 + 15 * rows)


def _plain_ticks(axis: Axis) -> None:
    """0.01 and not a power of ten."""
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(NullFormatter())


def _accuracy(axes: Axes, lowest: float = 0.0) -> None:
    axes.set(ylim=(lowest, 1.02 - 0.02 * lowest))
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
