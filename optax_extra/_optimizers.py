"""Whole optimizers as lists of parts: recipes only, no mathematics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import chex
import optax

from optax_extra import _check
from optax_extra._adam import scale_by_adam
from optax_extra._belief import scale_by_belief
from optax_extra._centralize import FeatureAxes, centralize
from optax_extra._clip_momentum import clip_momentum
from optax_extra._derivative import scale_by_derivative
from optax_extra._heun import scale_by_heun
from optax_extra._lookahead import lookahead
from optax_extra._rectify import momentum_of, rectify
from optax_extra._sign_momentum import sign_momentum

ScalarOrSchedule: TypeAlias = chex.Numeric | optax.Schedule
Mask: TypeAlias = Any | Callable[[optax.Params], Any] | None


def _descend(
    name: str,
    *parts: optax.GradientTransformation,
    learning_rate: ScalarOrSchedule,
    weight_decay: ScalarOrSchedule,
    mask: Mask,
) -> optax.GradientTransformationExtraArgs:
    """The parts, then decoupled weight decay, then the learning rate over both."""
    if learning_rate is not None:  # Optax's way to leave it to another part.
        _check.rate(name, "learning_rate", learning_rate)
    _check.rate(name, "weight_decay", weight_decay)
    if not _check.is_zero(weight_decay):  # Decay is what makes `update` need params.
        parts += (optax.add_decayed_weights(weight_decay, mask),)
    return optax.chain(*parts, optax.scale_by_learning_rate(learning_rate))


def adabelief(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-16,
    eps_root: chex.Numeric = 1e-16,
    *,
    nesterov: bool = False,
    rectified: bool = False,
    bias_correction_mu: bool = True,
    amsgrad: bool = False,
    moving_average: str = "ema",
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    eps_uncorrected: bool = False,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """AdaBelief: long steps where the gradient comes as the momentum foresaw.

        x_t = x_(t-1) - lr (m_hat / (sqrt(s_hat) + eps) + weight_decay x_(t-1))

    with m_hat, s_hat of `scale_by_belief`: s is the second moment of gradient minus
    momentum.

    Any call that is valid for `optax.adabelief` gives the same updates here.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, eps, eps_root: as in `scale_by_belief`, with Optax's defaults. The
        paper's are eps=1e-8, eps_root=0.
      rectified: whether to scale by RAdam's term and to begin along the momentum, as
        the authors' code does by default.
      nesterov, bias_correction_mu, amsgrad, moving_average, mu_dtype, nu_dtype,
        eps_uncorrected: as in `scale_by_belief`.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is two floats a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import adabelief
      >>> optimizer = adabelief(0.1, rectified=True)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.6  0.4]

    References:
      AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients,
      Zhuang et al., 2020, https://arxiv.org/abs/2010.07468
    """
    adaptive = scale_by_belief(
        b1,
        b2,
        eps,
        eps_root,
        nesterov=nesterov,
        bias_correction_mu=bias_correction_mu,
        amsgrad=amsgrad,
        moving_average=moving_average,
        mu_dtype=mu_dtype,
        nu_dtype=nu_dtype,
        eps_uncorrected=eps_uncorrected,
    )
    _check.flag("adabelief", "rectified", rectified)
    if rectified:
        adaptive = rectify(adaptive, momentum_of(b1, nesterov=nesterov), b2=b2)
    return _descend(
        "adabelief",
        adaptive,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )


def adaderivative(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-16,
    eps_root: chex.Numeric = 1e-16,
    *,
    nesterov: bool = False,
    rectified: bool = False,
    bias_correction_mu: bool = True,
    amsgrad: bool = False,
    moving_average: str = "ema",
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    previous_dtype: Any = None,
    eps_uncorrected: bool = False,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """AdaDerivative: long steps where the gradient does not change.

        x_t = x_(t-1) - lr (m_hat / (sqrt(v_hat) + eps) + weight_decay x_(t-1))

    with m_hat, v_hat of `scale_by_derivative`: v is the second moment of gradient minus
    previous gradient.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, eps, eps_root: as in `scale_by_derivative`, with AdaBelief's defaults.
      rectified: whether to scale by RAdam's term and to begin along the momentum.
      nesterov, bias_correction_mu, amsgrad, moving_average, mu_dtype, nu_dtype,
        previous_dtype, eps_uncorrected: as in `scale_by_derivative`.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is three floats a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import adaderivative
      >>> optimizer = adaderivative(0.1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.1  0.1]

    References:
      AdaDerivative optimizer: Adapting step-sizes by the derivative term in past
      gradient information, Zou et al., 2023,
      https://doi.org/10.1016/j.engappai.2022.105755
    """
    adaptive = scale_by_derivative(
        b1,
        b2,
        eps,
        eps_root,
        nesterov=nesterov,
        bias_correction_mu=bias_correction_mu,
        amsgrad=amsgrad,
        moving_average=moving_average,
        mu_dtype=mu_dtype,
        nu_dtype=nu_dtype,
        previous_dtype=previous_dtype,
        eps_uncorrected=eps_uncorrected,
    )
    _check.flag("adaderivative", "rectified", rectified)
    if rectified:
        adaptive = rectify(adaptive, momentum_of(b1, nesterov=nesterov), b2=b2)
    return _descend(
        "adaderivative",
        adaptive,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )


def adabc(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-16,
    eps_root: chex.Numeric = 1e-16,
    *,
    lower: chex.Numeric = 0.1,
    upper: chex.Numeric = 2.0,
    nesterov: bool = False,
    bias_correction_mu: bool = False,
    amsgrad: bool = False,
    moving_average: str = "ema",
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    eps_uncorrected: bool = False,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """AdaBC: AdaBelief with its steps clipped into a band of magnitudes.

        x_t = x_(t-1) - lr (clip(m / (sqrt(s_hat) + eps)) + weight_decay x_(t-1))

    with m, s_hat of `scale_by_belief` and clip that of `clip_momentum`.

    The first moment is not bias-corrected, which makes a built-in warm-up. No step is
    shorter than learning_rate * lower, so a decaying rate lets it settle.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, eps, eps_root: as in `scale_by_belief`.
      lower, upper: the band, as in `clip_momentum`; the original's.
      nesterov, bias_correction_mu, amsgrad, moving_average, mu_dtype, nu_dtype,
        eps_uncorrected: as in `scale_by_belief`.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is two floats a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import adabc
      >>> optimizer = adabc(0.1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.011  0.011]

    References:
      AdaBC in OptimizerVisualizer, ImpactCrater,
      https://github.com/ImpactCrater/OptimizerVisualizer
    """
    return _descend(
        "adabc",
        scale_by_belief(
            b1,
            b2,
            eps,
            eps_root,
            nesterov=nesterov,
            bias_correction_mu=bias_correction_mu,
            amsgrad=amsgrad,
            moving_average=moving_average,
            mu_dtype=mu_dtype,
            nu_dtype=nu_dtype,
            eps_uncorrected=eps_uncorrected,
        ),
        clip_momentum(lower, upper),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )


def adamd(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-8,
    eps_root: chex.Numeric = 0.0,
    *,
    nesterov: bool = False,
    amsgrad: bool = False,
    moving_average: str = "ema",
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    eps_uncorrected: bool = False,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """AdamD: Adam without bias correction of its first moment.

        x_t = x_(t-1) - lr (m / (sqrt(v_hat) + eps) + weight_decay x_(t-1))

    with m, v_hat of `scale_by_adam`.

    The first steps are short, as if by a warm-up over about 1 / (1 - b1) steps.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, eps, eps_root: as in `scale_by_adam`.
      nesterov, amsgrad, moving_average, mu_dtype, nu_dtype, eps_uncorrected: as in
        `scale_by_adam`.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is two floats a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import adamd
      >>> optimizer = adamd(0.1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.01  0.01]

    References:
      AdamD: Improved bias-correction in Adam, St John, 2021,
      https://arxiv.org/abs/2110.10828
    """
    return _descend(
        "adamd",
        scale_by_adam(
            b1,
            b2,
            eps,
            eps_root,
            nesterov=nesterov,
            amsgrad=amsgrad,
            moving_average=moving_average,
            mu_dtype=mu_dtype,
            nu_dtype=nu_dtype,
            eps_uncorrected=eps_uncorrected,
            bias_correction_mu=False,
        ),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )


def radam(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-8,
    eps_root: chex.Numeric = 0.0,
    threshold: chex.Numeric = 5.0,
    *,
    nesterov: bool = False,
    degenerated_to_sgd: bool = True,
    bias_correction_mu: bool = True,
    amsgrad: bool = False,
    moving_average: str = "ema",
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    eps_uncorrected: bool = False,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """RAdam: Adam whose first steps are rectified instead of warmed up.

        x_t = x_(t-1) - lr (u + weight_decay x_(t-1)),
        u = r_t m_hat / (sqrt(v_hat) + eps)  where rho_t >= threshold,  else m_hat

    with m_hat, v_hat of `scale_by_adam` and r_t, rho_t of `rectification_term`.

    Any call that is valid for `optax.radam` gives the same updates here; in float32
    they are more exact where rectification begins.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, eps, eps_root: as in `scale_by_adam`.
      threshold: the least rho_t for adaptive steps, as in `rectify`.
      degenerated_to_sgd: whether to step along the momentum below the threshold;
        False for zero updates there. (Weight decay goes on; in the authors' code it
        rests as well.)
      nesterov, bias_correction_mu, amsgrad, moving_average, mu_dtype, nu_dtype: as in
        `scale_by_adam`.
      eps_uncorrected: as in `scale_by_adam`; True is the authors' code and torch's.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is two floats a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import radam
      >>> optimizer = radam(0.1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.6  0.4]

    References:
      On the Variance of the Adaptive Learning Rate and Beyond, Liu et al., 2020,
      https://arxiv.org/abs/1908.03265
    """
    adaptive = scale_by_adam(
        b1,
        b2,
        eps,
        eps_root,
        nesterov=nesterov,
        bias_correction_mu=bias_correction_mu,
        amsgrad=amsgrad,
        moving_average=moving_average,
        mu_dtype=mu_dtype,
        nu_dtype=nu_dtype,
        eps_uncorrected=eps_uncorrected,
    )
    _check.flag("radam", "degenerated_to_sgd", degenerated_to_sgd)
    below = momentum_of(b1, nesterov=nesterov) if degenerated_to_sgd else None
    return _descend(
        "radam",
        rectify(adaptive, below, b2=b2, threshold=threshold),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )


def lion(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.99,
    mu_dtype: Any = None,
    weight_decay: ScalarOrSchedule = 1e-3,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """Lion: every element moves by the learning rate, along the sign of its momentum.

        x_t = x_(t-1) - lr (sign(b1 m_(t-1) + (1 - b1) g_t) + weight_decay x_(t-1))
        m_t = b2 m_(t-1) + (1 - b2) g_t

    Any call that is valid for `optax.lion` gives the same updates here. Learning rates
    are 3 to 10 times smaller than AdamW's, weight decay as much larger.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, mu_dtype: as in `sign_momentum`.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule. Default:
        1e-3, Optax's (the authors' code has 0).
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is one float a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import lion
      >>> optimizer = lion(0.1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.1  0.1]

    References:
      Symbolic Discovery of Optimization Algorithms, Chen et al., 2023,
      https://arxiv.org/abs/2302.06675
    """
    return _descend(
        "lion",
        sign_momentum(b1, b2, mu_dtype),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )


def adam_2k(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-8,
    eps_root: chex.Numeric = 0.0,
    *,
    hold_steps: chex.Numeric = 2000,
    nesterov: bool = False,
    amsgrad: bool = False,
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    eps_uncorrected: bool = False,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """Adam-2k: Adam that takes no step until its second moment knows the gradients.

        x_t = x_(t-1) - lr m_hat / (sqrt(v_hat) + eps)  for t > hold_steps

    with m_hat of the gradients since then, v_hat of all.

    It is the control of RAdam's paper: with the variance of the early second moment out
    of the way, no warm-up is needed. The moment correction starts with the first step
    that moves; the paper's code shares one count, which leaves the first moment of that
    step all but uncorrected. Weight decay goes on during the hold; there it rests.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, eps, eps_root: as in `scale_by_adam`.
      hold_steps: steps before the first one that moves; the paper's 2,000.
      nesterov, amsgrad, mu_dtype, nu_dtype, eps_uncorrected: as in `scale_by_adam`.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is two floats a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import adam_2k
      >>> optimizer = adam_2k(0.1, hold_steps=1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0. -0.]

    References:
      On the Variance of the Adaptive Learning Rate and Beyond, Liu et al., 2020,
      https://arxiv.org/abs/1908.03265
    """
    return _descend(
        "adam_2k",
        scale_by_adam(
            b1,
            b2,
            eps,
            eps_root,
            nesterov=nesterov,
            amsgrad=amsgrad,
            mu_dtype=mu_dtype,
            nu_dtype=nu_dtype,
            eps_uncorrected=eps_uncorrected,
            hold_steps=hold_steps,
        ),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )


def ranger(
    learning_rate: ScalarOrSchedule,
    b1: chex.Numeric = 0.95,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-5,
    *,
    sync_period: chex.Numeric | optax.Schedule = 6,
    slow_step_size: chex.Numeric | optax.Schedule = 0.5,
    feature_axes: FeatureAxes | None = "flax",
    eps_root: chex.Numeric = 0.0,
    threshold: chex.Numeric = 5.0,
    amsgrad: bool = False,
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    eps_uncorrected: bool = True,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """Ranger: centralised gradients, RAdam and Lookahead.

        radam's step on g - mean(g), and every `sync_period` steps
        slow = slow + slow_step_size (fast - slow),  fast = slow

    The published code averages PyTorch's axes; ours know Flax's. Its options are here:
    `feature_axes=0` is the original on PyTorch's layout, None leaves gradients as they
    are.

    Args:
      learning_rate: a number or a schedule.
      b1, b2, eps, eps_root: as in `scale_by_adam`, with the original's defaults.
      sync_period, slow_step_size: as in `lookahead`, with the original's defaults.
      feature_axes: as in `centralize`; None for no centralisation.
      threshold: the least rho_t for adaptive steps, as in `rectify`.
      amsgrad, mu_dtype, nu_dtype, eps_uncorrected: as in `scale_by_adam`.
      weight_decay: strength of the decoupled weight decay, scaled by the learning rate
        as in `optax.adamw`; a number or a schedule.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is three floats a parameter.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import ranger
      >>> optimizer = ranger(0.1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.6  0.4]

    References:
      Ranger: a synergistic optimizer, Wright, 2019,
      https://github.com/lessw2020/Ranger-Deep-Learning-Optimizer
    """
    centralized = [] if feature_axes is None else [centralize(feature_axes)]
    adaptive = scale_by_adam(
        b1,
        b2,
        eps,
        eps_root,
        amsgrad=amsgrad,
        mu_dtype=mu_dtype,
        nu_dtype=nu_dtype,
        eps_uncorrected=eps_uncorrected,
    )
    fast = _descend(
        "ranger",
        *centralized,
        rectify(adaptive, momentum_of(b1), b2=b2, threshold=threshold),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask=mask,
    )
    return optax.chain(fast, lookahead(sync_period, slow_step_size))


def heun(
    learning_rate: ScalarOrSchedule,
    *,
    weight_decay: ScalarOrSchedule = 0.0,
    mask: Mask = None,
) -> optax.GradientTransformationExtraArgs:
    """Heun's method on the gradient flow: a whole step is two calls.

        x_t = x_(t-1) - lr (g(x_(t-1)) + g(x_(t-1) - lr g(x_(t-1)))) / 2

    Every call wants the gradient at the params of that call, on the same batch for the
    two calls of a step.

    Args:
      learning_rate: the size of a whole step; a number or a schedule of whole steps.
        (A schedule through `optax.inject_hyperparams` sees calls: give it
        `count // 2`.)
      weight_decay: strength of a decay that is part of the field to integrate; a number
        or a schedule of whole steps.
      mask: which leaves decay: a tree of bools, or a function of params that makes one.

    Returns:
      A `GradientTransformationExtraArgs`; its state is one float a parameter.

    Raises:
      ValueError: at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import heun
      >>> optimizer = heun(0.1)
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params), params)
      >>> print(updates.round(3))
      [-0.6  0.4]

    References:
      Neue Methoden zur approximativen Integration der Differentialgleichungen einer
      unabhängigen Veränderlichen, Heun, Zeitschrift für Mathematik und Physik, 1900
    """
    if learning_rate is not None:
        _check.rate("heun", "learning_rate", learning_rate)
    _check.rate("heun", "weight_decay", weight_decay)
    field = []
    if not _check.is_zero(weight_decay):
        field.append(optax.add_decayed_weights(_whole_steps(weight_decay), mask))
    rate = optax.scale_by_learning_rate(_whole_steps(learning_rate))
    return optax.chain(*field, scale_by_heun(), rate)


def _whole_steps(value: ScalarOrSchedule) -> ScalarOrSchedule:
    return (lambda count: value(count // 2)) if callable(value) else value
