"""Which optimizers race: a name, a label, a colour and a factory of a learning rate."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import optax

import optax_extra
from surfaces.palette import PALETTE


@dataclasses.dataclass(frozen=True)
class Racer:
    """An optimizer that races; called with a learning rate, it builds itself.

    Attributes:
      label: what legends and tables call it.
      colour: of its trail, as a hexadecimal string.
      factory: function of a learning rate to a `GradientTransformation`.
    """

    label: str
    colour: str
    factory: Callable[[Any], optax.GradientTransformation]

    def __call__(self, learning_rate: Any) -> optax.GradientTransformation:
        return self.factory(learning_rate)


def _lookahead_adamw(learning_rate: Any) -> optax.GradientTransformation:
    return optax.chain(optax.adamw(learning_rate), optax_extra.lookahead())


def _racers(
    **factories: tuple[str, Callable[[Any], optax.GradientTransformation]],
) -> Mapping[str, Racer]:
    return MappingProxyType(
        {
            name: Racer(label, colour, factory)
            for (name, (label, factory)), colour in zip(
                factories.items(), PALETTE, strict=False
            )
        }
    )


ROSTER = _racers(
    sgd=("SGD", optax.sgd),
    adamw=("AdamW", optax.adamw),
    lion=("Lion", optax_extra.lion),
    adabelief=("AdaBelief", optax_extra.adabelief),
    adaderivative=("AdaDerivative", optax_extra.adaderivative),
    adabc=("AdaBC", optax_extra.adabc),
    radam=("RAdam", optax_extra.radam),
    lookahead_adamw=("Lookahead(AdamW)", _lookahead_adamw),
)
"""The standard recipes, each with the defaults of its own authors."""


def _visualizer_adamw(learning_rate: Any) -> optax.GradientTransformation:
    # Its eps stands under the roots at every step, as AdaBelief's does: in effect it
    # is added once, as the sum of a geometric series.
    return optax_extra.adamd(learning_rate, eps=1e-16, eps_root=1e-16 / (1 - 0.999))


def _visualizer_lion(learning_rate: Any) -> optax.GradientTransformation:
    return optax_extra.lion(learning_rate, weight_decay=0.0)


def _visualizer_adabelief(learning_rate: Any) -> optax.GradientTransformation:
    return optax_extra.adabelief(learning_rate, bias_correction_mu=False)


def _visualizer_adaderivative(learning_rate: Any) -> optax.GradientTransformation:
    return optax_extra.adaderivative(learning_rate, bias_correction_mu=False)


ORIGINAL = _racers(
    sgd=("SGD", optax.sgd),
    adamw=("AdamW (original)", _visualizer_adamw),
    lion=("Lion", _visualizer_lion),
    adabelief=("AdaBelief", _visualizer_adabelief),
    adaderivative=("AdaDerivative", _visualizer_adaderivative),
    adabc=("AdaBC", optax_extra.adabc),
)
"""The six of ImpactCrater's OptimizerVisualizer, in its own settings."""

ORIGINAL_LEARNING_RATE = 0.1
