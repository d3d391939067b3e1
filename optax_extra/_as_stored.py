"""Arithmetic on a state as it is going to be stored.

A transformation makes its new state and, out of that, the step. If the step were taken
from exact numbers, which are nowhere stored, XLA would make them again from the old
state, and copy that first, because the new one takes its place. So here each leaf of
the new state is stored where it is made, and what follows reads it as stored:

    stored, seen = encode(leaf)    in place of    leaf

That holds for any function that JAX can trace: it becomes a list of equations, and the
encoder follows the equation that makes the leaf. If that is a call of a jitted function
it is the equation in there, if it only casts a float32 the one before. What a branch, a
loop or a function with a derivative of its own makes is stored when it ends.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax.extend import core

Encoder: TypeAlias = Callable[[jax.Array], tuple[Any, jax.Array]]


def run(
    function: Callable[..., Any], encoders: Sequence[Encoder | None], *args: Any
) -> Any:
    """function(*args) with leaves of its result stored.

    Args:
      function: what to run; it returns a tree.
      encoders: one for each leaf of the result, from a leaf to what is stored and what
        the rest of the function reads in its place; None leaves it as it is. Of one
        array that is several leaves the rest reads what the last encoder says.
      *args: trees of arrays.

    Returns:
      The tree, in which leaves are what is stored.
    """
    trace: Any = jax.make_jaxpr(function, return_shape=True)
    closed, result = trace(*args)
    _, stored = _evaluate(closed, jax.tree.leaves(args), encoders)
    return jax.tree.unflatten(jax.tree.structure(result), stored)


def _evaluate(
    closed: Any, args: Sequence[Any], encoders: Sequence[Encoder | None]
) -> tuple[list[Any], list[Any]]:
    """The results as the rest reads them, and as they are stored."""
    jaxpr = closed.jaxpr
    before_cast = _before_casts(jaxpr)
    encoder_of = {
        before_cast.get(atom, atom): encoder
        for atom, encoder in zip(jaxpr.outvars, encoders, strict=True)
        if encoder is not None and not isinstance(atom, core.Literal)
    }
    seen: dict[Any, Any] = {}
    stored: dict[Any, Any] = {}

    def bind(variables: Sequence[Any], values: Sequence[Any]) -> None:
        for variable, value in zip(variables, values, strict=True):
            if variable in encoder_of:
                stored[variable], value = encoder_of[variable](value)
            seen[variable] = value

    def value_of(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else seen[atom]

    def result(atom: Any, encoder: Encoder | None) -> Any:
        value = value_of(atom)
        if encoder is None:
            return value
        if not isinstance(atom, core.Literal):
            made = before_cast.get(atom, atom)
            if encoder_of[made] is encoder:
                return stored[made]
        return encoder(jnp.asarray(value))[0]

    bind(jaxpr.constvars, closed.consts)
    bind(jaxpr.invars, args)
    # What is stored as it came in, a gradient say, is read as it came in.
    seen.update(zip(jaxpr.invars, args, strict=True))
    for part in _parts(jaxpr, encoder_of.keys()):
        values = list(map(value_of, part.invars))
        if _is_call(part):
            inner = [encoder_of.get(variable) for variable in part.outvars]
            as_read, as_stored = _evaluate(part.params["jaxpr"], values, inner)
            seen.update(zip(part.outvars, as_read, strict=True))
            stored.update(zip(part.outvars, as_stored, strict=True))
        else:
            evaluate = core.jaxpr_as_fun(core.ClosedJaxpr(part, ()))
            bind(part.outvars, evaluate(*values))
    return list(map(value_of, jaxpr.outvars)), list(
        map(result, jaxpr.outvars, encoders)
    )


def _before_casts(jaxpr: Any) -> dict[Any, Any]:
    """From what is a float32 cast to another type to that float32."""
    return {
        equation.outvars[0]: equation.invars[0]
        for equation in jaxpr.eqns
        if equation.primitive.name == "convert_element_type"
        and equation.invars[0].aval.dtype == jnp.float32
        and not isinstance(equation.invars[0], core.Literal)
    }


def _is_call(part: Any) -> bool:
    """Whether it is one equation that calls a jitted function."""
    return isinstance(part, core.JaxprEqn) and part.primitive.name in ("jit", "pjit")


def _parts(jaxpr: Any, ends: Set[Any]) -> Iterator[Any]:
    """The equations in lists, each to the next one that makes one of `ends`.

    If that is a call of a jitted function, it comes by itself.
    """
    read = set(_variables(jaxpr.outvars))
    for equation in jaxpr.eqns:
        read.update(_variables(equation.invars))
    equations: list[Any] = []
    for equation in jaxpr.eqns:
        ending = not ends.isdisjoint(equation.outvars)
        alone = ending and _is_call(equation)
        if not alone:
            equations.append(equation)
        if equations and (ending or equation is jaxpr.eqns[-1]):
            yield _part(jaxpr, equations, read)
            equations = []
        if alone:
            yield equation


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
