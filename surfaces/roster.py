"""Which optimizers race: their names, colours, formulas and factories."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import optax

import optax_extra as ox
from surfaces.figures.palette import PALETTE
from surfaces.racer import Racer


def distinct_colours(racers: Iterable[Racer]) -> list[str]:
    """A colour for each racer: its own, or another one where that is taken.

    Those of DEFAULT keep theirs, so that they look the same in all pictures.
    """
    racers = list(racers)
    known = {ROSTER[name].label for name in DEFAULT}
    chosen = [""] * len(racers)
    for place in sorted(range(len(racers)), key=lambda i: racers[i].label not in known):
        own = racers[place].colour
        free = [colour for colour in PALETTE if colour not in chosen]
        chosen[place] = own if own in free or not free else free[0]
    return chosen


def _coloured(racers: Mapping[str, Racer]) -> Mapping[str, Racer]:
    colours = itertools.cycle(PALETTE)
    return MappingProxyType(
        {
            name: dataclasses.replace(racer, colour=next(colours))
            for name, racer in racers.items()
        }
    )


def _scaled(scale: Callable[..., Any], rate: Any, **others: Any) -> Any:
    return optax.chain(scale(**others), optax.scale_by_learning_rate(rate))


def _held(adam: Callable[..., Any], rate: Any, steps: int, **others: Any) -> Any:
    return adam(rate, **{"hold_steps": steps // 10, **others})


def _warm(adam: Callable[..., Any], rate: Any, steps: int, **others: Any) -> Any:
    warmup = max(steps // 5, 1)
    return adam(lambda count: rate * jnp.minimum(1.0, (count + 1) / warmup), **others)


def _cosine(lion: Callable[..., Any], rate: Any, steps: int, **others: Any) -> Any:
    return lion(
        lambda count: rate * (1 + jnp.cos(jnp.pi * count / steps)) / 2, **others
    )


def _lookahead(
    fast: Callable[..., Any],
    rate: Any,
    sync_period: Any = 5,
    slow_step_size: Any = 0.5,
    **others: Any,
) -> Any:
    return optax.chain(fast(rate, **others), ox.lookahead(sync_period, slow_step_size))


_VISUALIZER = "ImpactCrater, OptimizerVisualizer"
_ZHANG = "Zhang et al., arXiv:1907.08610"
_LIU = "Liu et al., arXiv:1908.03265"
_ZHUANG = "Zhuang et al., arXiv:2010.07468"
_KINGMA = "Kingma, Ba, arXiv:1412.6980"
_SLOW = "every 5 steps half-way back to the slow weights"

# fmt: off
ROSTER = _coloured({
    # Those of DEFAULT come first, which gives them the first colours.
    "sgd": Racer("SGD", "g", "Robbins, Monro, doi:10.1214/aoms/1177729586", 1951,
        optax.sgd),
    "adamw": Racer("AdamW", "m̂ / (√v̂ + ε) + λx", "Loshchilov, Hutter, arXiv:1711.05101",
        2017, optax.adamw),
    "lion": Racer("Lion", "sign(b₁m + (1−b₁)g) + λx", "Chen et al., arXiv:2302.06675",
        2023, ox.lion),
    "adabelief": Racer("AdaBelief", "m̂ / (√v̂ + ε), v of g − m", _ZHUANG, 2020,
        ox.adabelief),
    "adaderivative": Racer("AdaDerivative", "m̂ / (√v̂ + ε), v of g − g₋₁",
        "Zou et al., doi:10.1016/j.engappai.2022.105755", 2023, ox.adaderivative),
    "adabc": Racer("AdaBC", "AdaBelief's step, |·| clipped into [0.1, 2]", _VISUALIZER,
        2023, ox.adabc),
    "radam": Racer("RAdam", "r·m̂ / (√v̂ + ε); m̂ while ρ < 5", _LIU, 2019, ox.radam),
    "lookahead_adamw": Racer("Lookahead(AdamW)", f"AdamW, {_SLOW}", _ZHANG, 2019,
        partial(_lookahead, optax.adamw)),
    # All others.
    "momentum": Racer("Momentum", "m ← 0.9m + g",
        "Polyak, doi:10.1016/0041-5553(64)90137-5", 1964,
        partial(optax.sgd, momentum=0.9)),
    "adagrad": Racer("AdaGrad", "g / √(Σg² + ε)", "Duchi et al., JMLR 12", 2011,
        optax.adagrad),
    "rmsprop": Racer("RMSProp", "g / √(v + ε)", "Tieleman, Hinton, Coursera", 2012,
        optax.rmsprop),
    "adam": Racer("Adam", "m̂ / (√v̂ + ε), v of g", _KINGMA, 2014, optax.adam),
    "amsgrad": Racer("AMSGrad", "m̂ / (√max v̂ + ε)", "Reddi et al., arXiv:1904.09237",
        2018, partial(_scaled, partial(ox.scale_by_adam, amsgrad=True))),
    "adamd": Racer("AdamD", "m / (√v̂ + ε)", "St John, arXiv:2110.10828", 2021,
        ox.adamd),
    "adam_2k": Racer("Adam-2k", "Adam; for a tenth of the steps only v learns", _LIU,
        2019, partial(_held, ox.adam_2k), paced=True),
    "adam_eps": Racer("Adam-eps", "Adam, ε = 1e-4", _LIU, 2019,
        partial(optax.adam, eps=1e-4)),
    "adam_warmup": Racer("Adam, warm-up", "Adam; rate grows for a fifth of the steps",
        "Goyal et al., arXiv:1706.02677", 2017, partial(_warm, optax.adam), paced=True),
    "nadam": Racer("NAdam", "Adam, m̂ one step ahead", "Dozat, ICLR workshop", 2016,
        optax.nadam),
    "yogi": Racer("Yogi", "m̂ / (√v̂ + ε), v ← v − (1−b₂) sign(v − g²) g²",
        "Zaheer et al., NeurIPS", 2018, optax.yogi),
    "lion_cosine": Racer("Lion, cosine", "Lion; rate falls to 0 along a cosine",
        "Chen et al., arXiv:2302.06675", 2023, partial(_cosine, ox.lion), paced=True),
    "adabelief_dema": Racer("AdaBelief, DEMA", "AdaBelief, m = 2m₁ − m₂",
        "Mulloy, TASC 12:1", 1994, partial(ox.adabelief, moving_average="dema")),
    "adabelief_tema": Racer("AdaBelief, TEMA", "AdaBelief, m = 3m₁ − 3m₂ + m₃",
        "Mulloy, TASC 12:1", 1994, partial(ox.adabelief, moving_average="tema")),
    "rectified_adabelief": Racer("Rectified AdaBelief", "r · AdaBelief; m̂ while ρ < 5",
        _ZHUANG, 2020, partial(ox.adabelief, rectified=True)),
    "ranger": Racer("Ranger", "RAdam of centralised g, every 6 steps half-way back",
        "Wright, Ranger-Deep-Learning-Optimizer", 2019, ox.ranger),
    "lookahead_adam": Racer("Lookahead(Adam)", f"Adam, {_SLOW}", _ZHANG, 2019,
        partial(_lookahead, optax.adam)),
    "lookahead_sgd": Racer("Lookahead(SGD)", f"SGD, {_SLOW}", _ZHANG, 2019,
        partial(_lookahead, optax.sgd)),
    "heun": Racer("Heun", "(g(x) + g(x − lr·g)) / 2", "Heun, Z. Math. Phys. 45", 1900,
        ox.heun, gradients=2),
})
# fmt: on
"""Every optimizer that the laboratory knows, each with the defaults of its authors."""

DEFAULT = (
    "sgd", "adamw", "lion", "adabelief", "adaderivative", "adabc", "radam",
    "lookahead_adamw",
)  # fmt: skip
"""The names that race unless others are asked for."""

ORIGINAL = MappingProxyType(
    {
        name: dataclasses.replace(ROSTER[name], factory=factory)
        for name, factory in {
            "sgd": optax.sgd,
            # Its eps stands under the roots at every step, as AdaBelief's does: in
            # effect it is added once, as the sum of a geometric series.
            "adamw": partial(ox.adamd, eps=1e-16, eps_root=1e-16 / (1 - 0.999)),
            "lion": partial(ox.lion, weight_decay=0.0),
            "adabelief": partial(ox.adabelief, bias_correction_mu=False),
            "adaderivative": partial(ox.adaderivative, bias_correction_mu=False),
            "adabc": ox.adabc,
        }.items()
    }
)
"""The six of ImpactCrater's OptimizerVisualizer, in its own settings."""

ORIGINAL_LEARNING_RATE = 0.1
