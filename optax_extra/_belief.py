"""AdaBelief's direction: the second moment is that of gradient minus momentum.

    mu_t = b1 mu_{t-1} + (1 - b1) g_t
    nu_t = b2 nu_{t-1} + (1 - b2) (g_t - mu_t)^2 + eps_root
    u_t  = mu_hat_t / (sqrt(nu_hat_t) + eps)

Zhuang et al., AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed
Gradients, 2020, https://arxiv.org/abs/2010.07468
"""

from __future__ import annotations

from typing import Any

import chex
import optax

from optax_extra import _moments


def scale_by_belief(
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
    eps_uncorrected: bool = False,
    hold_steps: chex.Numeric = 0,
) -> optax.GradientTransformation:
    """Scales updates by momentum over the RMS of what the momentum did not foresee.

        m_t = b1 m_(t-1) + (1 - b1) g_t
        s_t = b2 s_(t-1) + (1 - b2) (g_t - m_t)^2 + eps_root
        u_t = m_t / (1 - b1^t) / (sqrt(s_t / (1 - b2^t)) + eps)

    Where gradients keep coming as the momentum predicts, steps are long; where they
    surprise, short. Any call that is valid for `optax.scale_by_belief` gives the same
    updates here. It does not apply the learning rate.

    Args:
      b1: decay rate of the first moment, in [0, 1). Default: the paper's.
      b2: decay rate of the second moment, in [0, 1). Default: the paper's.
      eps: added to the root, at least 0. Default: Optax's and the authors' code's; the
        paper has 1e-8.
      eps_root: added to the second moment at every step, so that it adds up to
        eps_root / (1 - b2) under the corrected root, at least 0. Default: Optax's; the
        authors' code has one eps for both, 1e-16 for language and 1e-8 for images.
      nesterov: whether to look one step ahead (Dozat 2016).
      bias_correction_mu: False leaves the first moment uncorrected, a built-in warm-up
        as in AdamD; the visualizer this project grew from has it so.
      amsgrad: whether to divide by the greatest raw second moment so far, eps_root
        included, as the authors' code has it.
      moving_average: "ema", or "dema" and "tema", the double and triple exponential
        moving average, in the numerator and in the residual.
      mu_dtype: dtype that stores the first moment; None for the dtype of params.
      nu_dtype: dtype that stores the second moment; None for float32 at least.
      eps_uncorrected: True puts the bias correction of the second moment into the step
        size, so that eps stands beside the uncorrected root, as in the authors' code
        with rectification.
      hold_steps: for so many steps only the second moment learns: updates are zero and
        the first moment rests.

    Returns:
      A `GradientTransformation` with a `MomentsState`: two floats a parameter.
      Updates have the shapes and dtypes of the gradients.

    Raises:
      ValueError: if an argument is out of range (tracers are not checked); at `init`,
        if a leaf is not floating; at `update`, if the tree differs from that of params.
      TypeError: if an argument is of the wrong kind.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import scale_by_belief
      >>> optimizer = optax.chain(
      ...     scale_by_belief(b1=0.9), optax.scale_by_learning_rate(0.09)
      ... )
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params))
      >>> print(updates.round(3))
      [-0.1  0.1]

    References:
      AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients,
      Zhuang et al., 2020, https://arxiv.org/abs/2010.07468
    """
    return _moments.scale_by_moments(
        "scale_by_belief",
        lambda gradient, momentum: gradient - momentum,
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
    )
