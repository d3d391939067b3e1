"""The roster's optimizers: whom each is measured against, warm-up, what to evaluate."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

import optax_extra as ox


class Nearest(NamedTuple):
    """Optax's optimizer that does almost the same.

    Attributes:
      name: as in the table.
      factory: of a learning rate.
      why: what ours does besides, where a step of it costs more.
    """

    name: str
    factory: Callable[[float], optax.GradientTransformation]
    why: str = ""


_MOMENT = "keeps the last gradient besides"
_SLOW = "keeps slow weights besides"
_LEVELS = "keeps further moving averages"

# Those of the roster that are not here are Optax's own.
NEAREST: Mapping[str, Nearest] = {
    "lion": Nearest("optax.lion", optax.lion),
    "adabelief": Nearest("optax.adabelief", optax.adabelief),
    "adaderivative": Nearest("optax.adabelief", optax.adabelief, _MOMENT),
    "adabc": Nearest("optax.adabelief", optax.adabelief, "clips every element"),
    "radam": Nearest("optax.radam", optax.radam),
    "lookahead_adamw": Nearest("optax.adamw", optax.adamw, _SLOW),
    "amsgrad": Nearest("optax.amsgrad", optax.amsgrad),
    "adamd": Nearest("optax.adam", optax.adam),
    "adam_2k": Nearest("optax.adam", optax.adam, "chooses whether to hold"),
    "adabelief_dema": Nearest("optax.adabelief", optax.adabelief, _LEVELS),
    "adabelief_tema": Nearest("optax.adabelief", optax.adabelief, _LEVELS),
    "rectified_adabelief": Nearest("optax.adabelief", optax.adabelief, "rectifies"),
    "ranger": Nearest("optax.radam", optax.radam, f"centralises, {_SLOW}"),
    "lookahead_adam": Nearest("optax.adam", optax.adam, _SLOW),
    "lookahead_sgd": Nearest("optax.sgd", optax.sgd, _SLOW),
    "heun": Nearest("optax.sgd", optax.sgd, "takes two gradients a step"),
}


def warmed(learning_rate: chex.Numeric, steps: chex.Numeric) -> optax.Schedule:
    """Grows in a straight line for so many steps, then stays."""
    length = jnp.maximum(steps, 1)
    return lambda count: learning_rate * jnp.minimum(1.0, (count + 1) / length)


def weights(state: optax.OptState, params: chex.ArrayTree) -> chex.ArrayTree:
    """What is evaluated: the slow weights where there are any."""

    def is_slow(node: object) -> bool:
        return isinstance(node, ox.LookaheadState)

    slow = any(map(is_slow, jax.tree.leaves(state, is_leaf=is_slow)))
    return ox.slow_params(state, params) if slow else params
