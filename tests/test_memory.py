"""A compiled step with donated params and state writes nothing but these, each once.

A buffer that is read after it was overwritten in place is copied first, and a value
that is used twice may be written to memory in between: each costs as much as a moment.
"""

import re
from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from catalogue import COMBINATIONS, ROWS

LEAVES, SIZE = 3, 4096

pytestmark = pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="These are the copies of XLA on CPU."
)


def compiled_step(optimizer: optax.GradientTransformation) -> Any:
    def step(params: chex.ArrayTree, state: Any, gradients: chex.ArrayTree) -> Any:
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = [jnp.full(SIZE, float(leaf)) for leaf in range(LEAVES)]
    donating = jax.jit(step, donate_argnums=(0, 1))
    return donating.lower(params, optimizer.init(params), params).compile()


def copies(step: Any) -> list[str]:
    """The lines of a program that copy an array as long as a leaf."""
    return re.findall(rf"\S+ = \w+\[{SIZE}\]\S* copy\(.*", step.as_text())


def loops(step: Any) -> tuple[list[str], int]:
    """The operations that make an array as long as a leaf, and how many come out."""
    head, _, body = step.as_text().partition("\nENTRY ")[2].partition("\n")
    made = re.findall(rf" = \w+\[{SIZE}\]\S* (?!parameter|bitcast)(\w\S*)\(", body)
    return made, head.partition("->")[2].count(f"[{SIZE}]")


# What is stored in fewer bits is widened on the way, which XLA on CPU does in memory.
# `compensate` makes new params of what it kept, and what it keeps of the old params.
EXACT = [row for row in ROWS if row.stored is None and row.part != "compensate"]


@pytest.mark.parametrize("row", EXACT + COMBINATIONS, ids=str)
def test_a_step_needs_no_further_buffer(row: Any) -> None:
    step = compiled_step(row.optimizer())
    assert not copies(step)
    made, written = loops(step)
    assert len(made) == written
    memory = step.memory_analysis()
    # Scalars, and not one byte an element; all that comes out lies where it came in.
    assert memory.temp_size_in_bytes < SIZE
    assert memory.output_size_in_bytes - memory.alias_size_in_bytes < SIZE


def test_a_copy_would_be_seen() -> None:
    """Optax's Lion reads the old momentum beside the new one."""
    step = compiled_step(optax.lion(0.1))
    assert len(copies(step)) == LEAVES
    made, written = loops(step)
    assert len(made) == written + LEAVES
    assert step.memory_analysis().temp_size_in_bytes >= SIZE
