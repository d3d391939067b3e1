"""An optimizer that races: how it is built, and what a table says of it."""

import dataclasses
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from surfaces.figures.palette import PALETTE


@dataclasses.dataclass(frozen=True)
class Racer:
    """An optimizer that races; called with its hyperparameters, it builds itself.

    Attributes:
      label: what legends and tables call it.
      formula: its step, before the learning rate.
      paper: who described it, and where.
      year: when.
      factory: function of a learning rate to a `GradientTransformation`; if `paced`, of
        a learning rate and the number of steps of the race. Other hyperparameters are
        its keywords.
      paced: whether its schedule or its hold depends on the number of steps.
      gradients: gradient evaluations that make one whole step. A race gives everyone as
        many evaluations as it has steps, so a racer with two makes half as many steps.
      colour: of its trail, as a hexadecimal string.
    """

    label: str
    formula: str
    paper: str
    year: int
    factory: Callable[..., optax.GradientTransformation]
    paced: bool = False
    gradients: int = 1
    colour: str = PALETTE[0]

    def __call__(
        self, learning_rate: Any, steps: int = 100, **hyperparameters: Any
    ) -> optax.GradientTransformation:
        pace = (steps,) if self.paced else ()
        return self.factory(learning_rate, *pace, **hyperparameters)

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the numbers that it can be called with."""
        return "learning_rate", *_numbers(self.factory)

    @property
    def state_floats(self) -> float:
        """Floats of state a parameter, as `init` makes them."""
        size = 1000
        params = jax.ShapeDtypeStruct((size,), jnp.float32)
        state = jax.eval_shape(self(0.1).init, params)
        floats = (
            leaf.size
            for leaf in jax.tree.leaves(state)
            if leaf.ndim and jnp.issubdtype(leaf.dtype, jnp.floating)
        )
        return sum(floats) / size


def numbers_of(factory: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the numbers that a factory of optimizers can be called with."""
    if isinstance(factory, Racer):
        return factory.hyperparameters
    parameters = inspect.signature(factory).parameters.values()
    named = (
        p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    )
    required = (p.name for p in named if p.default is p.empty)
    return *required, *_numbers(factory)


def _numbers(function: Callable[..., Any]) -> tuple[str, ...]:
    """The keywords whose defaults are numbers, of what a partial wraps as well."""
    inner = function.args if isinstance(function, partial) else ()
    parameters = inspect.signature(function).parameters.values()
    own = (p.name for p in parameters if type(p.default) in (int, float))
    return *own, *(name for wrapped in inner for name in _numbers(wrapped))
