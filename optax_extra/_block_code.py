"""Eight bits a number, in blocks along the last axis: a logarithmic code.

A float's own bits, as an integer, grow like its logarithm. The code of a number is how
far its bits are above the block's floor, in strides of an eighth of an octave:

    |x|  =  the float with the bits (floor + code) 2^20,  code 0 for zero

A block with negative numbers has codes to 127 and a sign, in the rest codes reach to
255. The two greatest are infinity and NaN, whatever the floor, so that these do not
touch their neighbours; the others reach 15 octaves below the block's greatest finite
magnitude, or 31. So a second moment has the range of the squares of a first one,
without being told which is which.

    rounding   by chance, with mean x, so that averages that move slowly do move
    below      what is smaller than a block's least code becomes, with mean x, zero or
               the least code. In a block without negatives it is the least code: no
               second moment becomes zero beneath a momentum
    itself     what has been decoded has its code again

Dettmers et al., 8-bit Optimizers via Block-wise Quantization, 2021,
https://arxiv.org/abs/2110.02861
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

_SIGNED, _UNSIGNED = np.int32(127), np.int32(255)  # greatest codes
_STRIDE = 20  # bits of a mantissa that are not kept: 3 of 23 are.
_INFINITY, _QUIET = 0x7F800000, 22  # The bit above which NaN does not signal.
# XLA on a CPU writes a longer array to memory before it takes the maximum.
_REDUCED = 32


class Blocks(NamedTuple):
    """Numbers in about 8 bits, as `quantize_state` with "int8" stores them.

    Attributes:
      codes: a sign and seven bits, or eight bits, uint8 in the shape of the numbers.
      floors: what is added to the codes of a block, `~floor` where codes have no sign,
        int16; as the numbers, but the last axis counts blocks. Of a length n of count
        blocks each has the least power of two that is at least n / count numbers, and
        the last one what is left.
    """

    codes: chex.Array
    floors: chex.Array


def is_blocks(node: Any) -> bool:
    """Where a tree ends, if blocks are leaves. Flax's nnx makes a mapping of them."""
    if not isinstance(node, Mapping) or set(node) != set(Blocks._fields):
        return isinstance(node, Blocks)
    kinds = [getattr(leaf, "dtype", None) for leaf in jax.tree.leaves(node)]
    return kinds == [jnp.uint8, jnp.int16]  # Params may have these names, too.


def size_of(blocks: Any) -> int:
    """Numbers in a block."""
    codes, floors = jax.tree.leaves(blocks)
    return _size(codes.shape[-1], floors.shape[-1])


def _size(length: int, count: int) -> int:
    """The least power of two so that `count` blocks have the length."""
    return 1 << (-(-length // count) - 1).bit_length()


# Compiled by itself, so that the leaves of one shape are traced but once.
@functools.partial(jax.jit, static_argnums=2)
def encode(values: jax.Array, noise: jax.Array, size: int) -> Blocks:
    """float32 of one axis or more to blocks of `size`, a power of two.

    Args:
      values: what to encode; infinities and NaN stay what they are.
      noise: random bits, uint32 of the same shape.
      size: numbers in a block, the last one of an axis may have fewer.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.int32)
    magnitude = bits & 0x7FFFFFFF
    # Below -0, to -inf. Not x < 0, which a processor may take to be wrong of denormal
    # numbers; and NaN has no sign: which one it gets depends on the processor.
    negative = (bits > -(2**31)) & (bits <= _INFINITY - 2**31)
    floors = _floors(negative, magnitude, size)
    floor, levels = _of_elements(floors, values.shape)

    fine = (noise >> 32 - _STRIDE).astype(jnp.int32)
    level = jnp.minimum((magnitude + fine >> _STRIDE) - floor, levels - 2)
    least = floor + 1 << _STRIDE
    # |x| / least as a chance; without negatives all but zero is the least.
    chance = (fine.astype(jnp.float32) + 0.5) * 2.0**-_STRIDE
    stays = jnp.abs(values) > chance * jax.lax.bitcast_convert_type(least, jnp.float32)
    stays = jnp.where(levels == _UNSIGNED, magnitude > 0, stays)
    level = jnp.where(magnitude < least, stays.astype(jnp.int32), level)
    no_number = jnp.where(magnitude > _INFINITY, levels, levels - 1)
    level = jnp.where(magnitude < _INFINITY, level, no_number)
    sign = jnp.where(negative, np.uint8(128), np.uint8(0))
    # Two arrays meet last of all: what is made of one XLA would make again elsewhere.
    return Blocks(level.astype(jnp.uint8) | sign, floors)


@jax.jit
def decode(blocks: Any) -> jax.Array:
    """The numbers, float32."""
    codes, floors = jax.tree.leaves(blocks)
    codes = codes.astype(jnp.int32)
    floor, levels = _of_elements(floors, codes.shape)
    level = codes & levels
    magnitude = jnp.where(level == 0, 0, level + floor << _STRIDE)
    no_number = _INFINITY + (level - levels + 1 << _QUIET)
    magnitude = jnp.where(level < levels - 1, magnitude, no_number)
    sign = (codes & ~levels) << 24
    return jax.lax.bitcast_convert_type(magnitude | sign, jnp.float32)


def decode_all(tree: chex.ArrayTree) -> chex.ArrayTree:
    """A tree with the numbers of its blocks in their place."""
    return jax.tree.map(
        lambda node: decode(node) if is_blocks(node) else node, tree, is_leaf=is_blocks
    )


def _floors(negative: jax.Array, magnitude: jax.Array, size: int) -> jax.Array:
    """Floors such that the greatest finite magnitude of a block has the greatest code.

    Of those of numbers, which are all but the last two.
    """
    signed = _in_blocks(negative, size).any(-1).any(-1)
    finite = jnp.where(magnitude < _INFINITY, magnitude, 0)
    greatest = _in_blocks(finite, size).max(-1)
    # Up, so that rounding by chance has room; but nothing finite becomes infinite.
    top = greatest + (1 << _STRIDE) - 1 >> _STRIDE
    top = jnp.minimum(top, (_INFINITY >> _STRIDE) - 1).max(-1)
    levels = jnp.where(signed, _SIGNED, _UNSIGNED)
    floor = jnp.maximum(top - (levels - 2), 0).astype(jnp.int16)
    return jnp.where(signed, floor, ~floor)


def _in_blocks(leaf: jax.Array, size: int) -> jax.Array:
    """The last axis as blocks, and those in parts: [..., count, parts, part]."""
    *before, length = leaf.shape
    count = -(-length // size)
    if count == 1:
        size = length
    elif count * size > length:
        fill = [(0, 0)] * len(before) + [(0, count * size - length)]
        leaf = jnp.pad(leaf, fill)
    part = _REDUCED if size % _REDUCED == 0 else size
    return leaf.reshape(*before, count, size // part, part)


def _of_elements(
    floors: jax.Array, shape: tuple[int, ...]
) -> tuple[jax.Array, jax.Array]:
    """For every element its block's floor and greatest code, 127 or 255, int32."""
    *before, length = shape
    count = floors.shape[-1]
    size = length if count == 1 else _size(length, count)

    def spread(leaf: jax.Array) -> jax.Array:
        wide = jnp.broadcast_to(leaf[..., None], (*leaf.shape, size))
        return wide.reshape(*before, count * size)[..., :length]

    floor = jnp.where(floors < 0, ~floors, floors).astype(jnp.int32)
    return spread(floor), spread(jnp.where(floors < 0, _UNSIGNED, _SIGNED))
