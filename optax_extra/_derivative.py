"""AdaDerivative's direction: the second moment is that of the gradient's change.

    mu_t = b1 mu_{t-1} + (1 - b1) g_t
    nu_t = b2 nu_{t-1} + (1 - b2) (g_t - g_{t-1})^2 + eps_root,  g_0 = 0
    u_t  = mu_hat_t / (sqrt(nu_hat_t) + eps)

Zou et al., AdaDerivative optimizer: Adapting step-sizes by the derivative term in past
gradient information, 2023, https://doi.org/10.1016/j.engappai.2022.105755
"""

from __future__ import annotations

from typing import Any

import chex
import optax

from optax_extra import _moments


def scale_by_derivative(
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-16,
    eps_root: chex.Numeric = 1e-16,
    *,
    nesterov: bool = False,
    bias_correction_mu: bool = True,
    amsgrad: bool = False,
    moving_average: str = "ema",
    mu_dtype: Any = None,
    nu_dtype: Any = None,
    previous_dtype: Any = None,
    eps_uncorrected: bool = False,
    hold_steps: chex.Numeric = 0,
) -> optax.GradientTransformation:
    """Scales updates by momentum over the RMS of the gradient's change.

        m_t = b1 m_(t-1) + (1 - b1) g_t
        v_t = b2 v_(t-1) + (1 - b2) (g_t - g_(t-1))^2 + eps_root,  g_0 = 0
        u_t = m_t / (1 - b1^t) / (sqrt(v_t / (1 - b2^t)) + eps)

    Steps are long where the gradient stays as it is, short where it turns. It does not
    apply the learning rate.

    Args:
      b1: decay rate of the first moment, in [0, 1). Default: AdaBelief's.
      b2: decay rate of the second moment, in [0, 1). Default: AdaBelief's.
      eps: added to the root, at least 0. Default: AdaBelief's in Optax.
      eps_root: added to the second moment at every step, so that it adds up to
        eps_root / (1 - b2) under the corrected root, at least 0. Default: AdaBelief's
        in Optax.
      nesterov: whether to look one step ahead (Dozat 2016).
      bias_correction_mu: False leaves the first moment uncorrected, a built-in warm-up
        as in AdamD; the visualizer this project grew from has it so.
      amsgrad: whether to divide by the greatest raw second moment so far, eps_root
        included.
      moving_average: "ema", or "dema" and "tema", the double and triple exponential
        moving average, in the numerator.
      mu_dtype: dtype that stores the first moment; None for the dtype of params.
      nu_dtype: dtype that stores the second moment; None for float32 at least.
      previous_dtype: dtype that stores the previous gradient; None for the dtype of
        params.
      eps_uncorrected: True puts the bias correction of the second moment into the step
        size, so that eps stands beside the uncorrected root.
      hold_steps: for so many steps only the second moment learns: updates are zero and
        the first moment rests.

    Returns:
      A `GradientTransformation` with a `MomentsState`: three floats a parameter.
      Updates have the shapes and dtypes of the gradients.

    Raises:
      ValueError: if an argument is out of range (tracers are not checked); at `init`,
        if a leaf is not floating; at `update`, if the tree differs from that of params.
      TypeError: if an argument is of the wrong kind.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import scale_by_derivative
      >>> optimizer = optax.chain(
      ...     scale_by_derivative(), optax.scale_by_learning_rate(0.1)
      ... )
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params))
      >>> print(updates.round(3))
      [-0.1  0.1]

    References:
      AdaDerivative optimizer: Adapting step-sizes by the derivative term in past
      gradient information, Zou et al., 2023,
      https://doi.org/10.1016/j.engappai.2022.105755
    """
    return _moments.scale_by_moments(
        "scale_by_derivative",
        lambda gradient, momentum, previous: gradient - previous,
        b1=b1,
        b2=b2,
        eps=eps,
        eps_root=eps_root,
        eps_root_accumulates=True,
        nesterov=nesterov,
        bias_correction_mu=bias_correction_mu,
        amsgrad=amsgrad,
        moving_average=moving_average,
        mu_dtype=mu_dtype,
        nu_dtype=nu_dtype,
        eps_uncorrected=eps_uncorrected,
        hold_steps=hold_steps,
        keeps_previous=True,
        previous_dtype=previous_dtype,
    )
