"""Arithmetic on a state as it is going to be stored.

A transformation makes its new state and, out of that, the step. If the step were taken
from exact numbers, which are nowhere stored, XLA would make them again from the old
state, and copy that first, because the new one takes its place. So here each leaf of
the new state is stored where it is made, and what follows reads it as stored:

    stored, seen = encode(leaf)    in place of    leaf

That holds for any function that JAX can trace: it becomes a list of equations, and the
encoder follows the equation that makes the leaf.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any, TypeAlias

import jax
from jax.extend import core

Encoder: TypeAlias = Callable[[jax.Array], tuple[Any, jax.Array]]


def run(
    function: Callable[..., Any], encoders: Sequence[Encoder | None], *args: Any
) -> tuple[Any, list[Any]]:
    """function(*args) with the last leaves of its result stored.

    Args:
      function: what to run; it returns two trees.
      encoders: one for each leaf of the second tree, from a leaf to what is stored and
        what the rest of the function reads in its place; None leaves it as it is.
      *args: trees of arrays.

    Returns:
      The first tree, and the leaves of the second, stored.
    """
    leaves = jax.tree.leaves(args)
    trace: Any = jax.make_jaxpr(function, return_shape=True)
    closed, (first, _) = trace(*args)
    jaxpr = closed.jaxpr
    count = len(jaxpr.outvars) - len(encoders)
    pairs = zip(jaxpr.outvars[count:], encoders, strict=True)
    encoder_of = {made: encoder for made, encoder in pairs if encoder is not None}
    seen: dict[Any, Any] = {}
    stored: dict[Any, Any] = {}

    def bind(variables: Sequence[Any], values: Sequence[Any]) -> None:
        for variable, value in zip(variables, values, strict=True):
            if variable in encoder_of:
                stored[variable], value = encoder_of[variable](value)
            seen[variable] = value

    bind(jaxpr.constvars, closed.consts)
    bind(jaxpr.invars, leaves)
    # What is stored as it came in, a gradient say, is read as it came in.
    seen.update(zip(jaxpr.invars, leaves, strict=True))
    for part in _parts(jaxpr, encoder_of.keys()):
        evaluate = core.jaxpr_as_fun(core.ClosedJaxpr(part, ()))
        bind(part.outvars, evaluate(*(seen[variable] for variable in part.invars)))

    def value_of(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else seen[atom]

    out = [value_of(atom) for atom in jaxpr.outvars[:count]]
    state = [
        value_of(atom) if encoder is None else stored[atom]
        for atom, encoder in zip(jaxpr.outvars[count:], encoders, strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(first), out), state


def _parts(jaxpr: Any, ends: Set[Any]) -> Iterator[Any]:
    """The equations in lists, each to the next one that makes one of `ends`."""
    read = set(_variables(jaxpr.outvars))
    for equation in jaxpr.eqns:
        read.update(_variables(equation.invars))
    equations: list[Any] = []
    for equation in jaxpr.eqns:
        equations.append(equation)
        if equation is jaxpr.eqns[-1] or not ends.isdisjoint(equation.outvars):
            yield _part(jaxpr, equations, read)
            equations = []


def _part(jaxpr: Any, equations: list[Any], read: Set[Any]) -> Any:
    """Some equations alone: from what they need to what is read of what they make."""
    needed, made = {}, {}
    for equation in equations:
        needed.update(dict.fromkeys(_variables(equation.invars)))
        made.update(dict.fromkeys(equation.outvars))
    return jaxpr.replace(
        constvars=(),
        invars=[variable for variable in needed if variable not in made],
        outvars=[variable for variable in made if variable in read],
        eqns=equations,
    )


def _variables(atoms: Sequence[Any]) -> list[Any]:
    return [atom for atom in atoms if not isinstance(atom, core.Literal)]
