"""optax-extra: the parts that Optax lacks, whole optimizers made of them, and grids."""

from optax_extra._adam import scale_by_adam
from optax_extra._belief import scale_by_belief
from optax_extra._clip_momentum import clip_momentum
from optax_extra._derivative import scale_by_derivative
from optax_extra._lookahead import LookaheadState, lookahead, slow_params
from optax_extra._moments import MomentsState
from optax_extra._optimizers import adabc, adabelief, adaderivative, adamd, lion, radam
from optax_extra._rectification import rectification_term
from optax_extra._rectify import RectifyState, momentum_of, rectify
from optax_extra._sign_momentum import SignMomentumState, sign_momentum
from optax_extra._sweep import sweep
from optax_extra._sweep_result import SweepResult

__version__ = "0.1.0"

__all__ = [
    # Parts
    "scale_by_adam",
    "scale_by_belief",
    "scale_by_derivative",
    "rectify",
    "momentum_of",
    "rectification_term",
    "sign_momentum",
    "clip_momentum",
    "lookahead",
    "slow_params",
    # Recipes
    "adabelief",
    "adaderivative",
    "adabc",
    "adamd",
    "radam",
    "lion",
    # Grids
    "sweep",
    # States and results
    "LookaheadState",
    "MomentsState",
    "RectifyState",
    "SignMomentumState",
    "SweepResult",
]
