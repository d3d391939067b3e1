"""Adam's direction: the second moment is that of the gradient.

    mu_t = b1 mu_{t-1} + (1 - b1) g_t
    nu_t = b2 nu_{t-1} + (1 - b2) g_t^2
    u_t  = mu_hat_t / (sqrt(nu_hat_t + eps_root) + eps)

Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014,
https://arxiv.org/abs/1412.6980
"""

from __future__ import annotations

from typing import Any

import chex
import optax

from optax_extra import _moments


def scale_by_adam(
    b1: chex.Numeric = 0.9,
    b2: chex.Numeric = 0.999,
    eps: chex.Numeric = 1e-8,
    eps_root: chex.Numeric = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = False,
    bias_correction_mu: bool = True,
    amsgrad: bool = False,
    moving_average: str = "ema",
    nu_dtype: Any = None,
    eps_uncorrected: bool = False,
    hold_steps: chex.Numeric = 0,
) -> optax.GradientTransformation:
    """Scales updates by momentum over the RMS of the gradient, as Adam does.

        m_t = b1 m_(t-1) + (1 - b1) g_t
        v_t = b2 v_(t-1) + (1 - b2) g_t^2
        u_t = m_t / (1 - b1^t) / (sqrt(v_t / (1 - b2^t) + eps_root) + eps)

    Any call that is valid for `optax.scale_by_adam` gives the same updates here; in
    float32 they are more exact, in float16 finite, and gradients through them (for
    meta-learning) are finite at the default settings. It does not apply the learning
    rate.

    Args:
      b1: decay rate of the first moment, in [0, 1). Default: the paper's.
      b2: decay rate of the second moment, in [0, 1). Default: the paper's.
      eps: added to the root, at least 0. Default: the paper's.
      eps_root: added to the corrected second moment under the root, at least 0.
      mu_dtype: dtype that stores the first moment; None for the dtype of params.
      nesterov: whether to look one step ahead (NAdam, Dozat 2016).
      bias_correction_mu: False leaves the first moment uncorrected, which is AdamD's
        built-in warm-up.
      amsgrad: whether to divide by the greatest second moment so far. The maximum is
        of the raw moment, as in torch; `optax.amsgrad` takes the corrected one.
      moving_average: "ema", or "dema" and "tema", the double and triple exponential
        moving average, which follow the gradient with less lag.
      nu_dtype: dtype that stores the second moment; None for float32 at least.
      eps_uncorrected: True puts the bias correction of the second moment into the step
        size, so that eps stands beside the uncorrected root (RAdam's authors, Ranger,
        labml's optimized update).
      hold_steps: for so many steps only the second moment learns: updates are zero and
        the first moment rests (Adam-2k, Liu et al. 2020, holds 2,000).

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
      >>> from optax_extra import scale_by_adam
      >>> optimizer = optax.chain(
      ...     scale_by_adam(bias_correction_mu=False), optax.scale_by_learning_rate(0.1)
      ... )
      >>> params = jnp.array([3.0, -2.0])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params))
      >>> print(updates)
      [-0.01  0.01]

    References:
      Adam: A Method for Stochastic Optimization, Kingma and Ba, 2014,
      https://arxiv.org/abs/1412.6980
      AdamD: Improved bias-correction in Adam, St John, 2021,
      https://arxiv.org/abs/2110.10828
      On the Convergence of Adam and Beyond, Reddi et al., 2018,
      https://arxiv.org/abs/1904.09237
      Incorporating Nesterov Momentum into Adam, Dozat, 2016,
      https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
    """
    return _moments.scale_by_moments(
        "scale_by_adam",
        lambda gradient, momentum: gradient,
        b1=b1,
        b2=b2,
        eps=eps,
        eps_root=eps_root,
        nesterov=nesterov,
        bias_correction_mu=bias_correction_mu,
        amsgrad=amsgrad,
        moving_average=moving_average,
        mu_dtype=mu_dtype,
        nu_dtype=nu_dtype,
        eps_uncorrected=eps_uncorrected,
        hold_steps=hold_steps,
    )
