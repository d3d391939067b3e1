"""optax-extra: parts to build optimizers from, optimizers made of them, and grids.

Parts are `optax.GradientTransformation`s that chain with everything in Optax, recipes
whole optimizers, and `sweep` runs a grid of hyperparameters as one compiled program.
"""

from optax_extra._adam import scale_by_adam
from optax_extra._apply_updates_stochastic import apply_updates_stochastic
from optax_extra._belief import scale_by_belief
from optax_extra._block_code import Blocks
from optax_extra._centralize import centralize
from optax_extra._clip_momentum import clip_momentum
from optax_extra._compensate import CompensateState, compensate
from optax_extra._derivative import scale_by_derivative
from optax_extra._heun import HeunState, scale_by_heun
from optax_extra._lookahead import LookaheadState, lookahead, slow_params
from optax_extra._moments import MomentsState
from optax_extra._optimizers import (
    adabc,
    adabelief,
    adaderivative,
    adam_2k,
    adamd,
    heun,
    lion,
    radam,
    ranger,
)
from optax_extra._quantize_state import QuantizedState, quantize_state
from optax_extra._rectification import rectification_term
from optax_extra._rectify import RectifyState, momentum_of, rectify
from optax_extra._sign_momentum import SignMomentumState, sign_momentum
from optax_extra._state_bytes import StateBytes, state_bytes
from optax_extra._sweep import sweep
from optax_extra._sweep_result import SweepResult

__version__ = "0.1.0"

__all__ = [
    # Parts
    "scale_by_adam",
    "scale_by_belief",
    "scale_by_derivative",
    "scale_by_heun",
    "centralize",
    "rectify",
    "momentum_of",
    "rectification_term",
    "sign_momentum",
    "clip_momentum",
    "lookahead",
    "slow_params",
    # Memory
    "quantize_state",
    "compensate",
    "apply_updates_stochastic",
    "state_bytes",
    # Recipes
    "adabelief",
    "adaderivative",
    "adabc",
    "adamd",
    "adam_2k",
    "radam",
    "lion",
    "ranger",
    "heun",
    # Grids
    "sweep",
    # States and results
    "Blocks",
    "CompensateState",
    "HeunState",
    "LookaheadState",
    "MomentsState",
    "QuantizedState",
    "RectifyState",
    "SignMomentumState",
    "StateBytes",
    "SweepResult",
]
