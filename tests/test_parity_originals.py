"""The originals' optimizers, told as settings of ours, take the originals' steps.

What is compared with what, and what is not, stands in reference/README.md.
"""

import functools
import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_extra as ox

REFERENCE = pathlib.Path(__file__).parent / "reference"
DATA = json.loads((REFERENCE / "updates.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in DATA["cases"]}

Recipe = Callable[..., optax.GradientTransformation]


def _descend(
    part: optax.GradientTransformation, lr: Any, weight_decay: Any = 0.0
) -> optax.GradientTransformation:
    """A part as a whole optimizer, in the order of our recipes."""
    decay = optax.add_decayed_weights(weight_decay)
    return optax.chain(part, decay, optax.scale_by_learning_rate(lr))


def _decay(
    recipe: Recipe,
    lr: float,
    weight_decay: float,
    *,
    decoupled: bool = True,
    absolute: bool = False,
) -> optax.GradientTransformation:
    """The three decays: scaled by the rate, absolute, or part of the gradient."""
    if not decoupled:
        decay = optax.add_decayed_weights(weight_decay)
        return optax.chain(decay, recipe(lr, weight_decay=0.0))
    return recipe(lr, weight_decay=weight_decay / lr if absolute else weight_decay)


def _sum(*parts: optax.GradientTransformation) -> optax.GradientTransformation:
    """The sum of what the parts make of the same gradients."""

    def init_fn(params: Any) -> Any:
        return tuple(part.init(params) for part in parts)

    def update_fn(updates: Any, state: Any, params: Any = None) -> Any:
        pairs = zip(parts, state, strict=True)
        steps, states = zip(
            *(part.update(updates, own, params) for part, own in pairs), strict=True
        )
        return jax.tree.map(lambda *leaves: sum(leaves), *steps), states

    return optax.GradientTransformation(init_fn, update_fn)


def adabelief(
    lr,
    betas,
    eps,
    weight_decay,
    amsgrad,
    weight_decouple,
    fixed_decay,
    rectify,
    degenerated_to_sgd,
):
    """With `rectify` it ignores `amsgrad` and has eps beside the uncorrected root."""
    b1, b2 = betas
    recipe = functools.partial(
        ox.adabelief,
        b1=b1,
        b2=b2,
        eps=eps,
        eps_root=eps,
        rectified=rectify,
        amsgrad=amsgrad and not rectify,
        eps_uncorrected=rectify,
    )
    if rectify and not degenerated_to_sgd:
        belief = ox.scale_by_belief(b1, b2, eps, eps, eps_uncorrected=True)
        recipe = functools.partial(_descend, ox.rectify(belief, b2=b2))
    return _decay(
        recipe, lr, weight_decay, decoupled=weight_decouple, absolute=fixed_decay
    )


def radam(lr, betas, eps, weight_decay, degenerated_to_sgd):
    """Where it does not degenerate to SGD, decay rests as long as the steps do."""
    b1, b2 = betas

    def resting(count: jax.Array) -> jax.Array:
        return jnp.where(ox.rectification_term(b2, count + 1) > 0, weight_decay, 0.0)

    return ox.radam(
        lr,
        b1,
        b2,
        eps,
        degenerated_to_sgd=degenerated_to_sgd,
        eps_uncorrected=True,
        weight_decay=weight_decay if degenerated_to_sgd else resting,
    )


def radam_adamw(lr, betas, eps, weight_decay, warmup):
    def rate(count: jax.Array) -> jax.Array:
        step = count + 1
        return jnp.where(step < warmup, 1e-8 + step * lr / max(warmup, 1), lr)

    adam = ox.scale_by_adam(*betas, eps, eps_uncorrected=True)
    return _descend(adam, rate, weight_decay)


def torch_adam(
    lr, betas, eps, weight_decay, amsgrad=False, decoupled_weight_decay=False
):
    adam = ox.scale_by_adam(*betas, eps, amsgrad=amsgrad)
    recipe = functools.partial(_descend, adam)
    return _decay(recipe, lr, weight_decay, decoupled=decoupled_weight_decay)


def torch_radam(lr, betas, eps, weight_decay, decoupled_weight_decay):
    b1, b2 = betas
    recipe = functools.partial(ox.radam, b1=b1, b2=b2, eps=eps, eps_uncorrected=True)
    return _decay(recipe, lr, weight_decay, decoupled=decoupled_weight_decay)


def torch_nadam(lr, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay):
    """Dozat's schedule of the momentum: two of our parts with scheduled weights."""
    b1, b2 = betas

    def momentum(t: jax.Array) -> jax.Array:
        return b1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    def product(t: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(1, t + 1, lambda i, p: p * momentum(i), 1.0)

    def now(count: jax.Array) -> jax.Array:
        return (1 - momentum(count + 1)) / (1 - product(count + 1))

    def ahead(count: jax.Array) -> jax.Array:
        return momentum(count + 2) / (1 - product(count + 2))

    gradient = ox.scale_by_adam(0.0, b2, eps)
    average = ox.scale_by_adam(b1, b2, eps, bias_correction_mu=False)
    nadam = _sum(
        optax.chain(gradient, optax.scale_by_schedule(now)),
        optax.chain(average, optax.scale_by_schedule(ahead)),
    )
    recipe = functools.partial(_descend, nadam)
    return _decay(recipe, lr, weight_decay, decoupled=decoupled_weight_decay)


def labml_radam(
    lr,
    betas,
    eps,
    weight_decay,
    weight_decouple,
    absolute,
    optimized_update,
    amsgrad,
    degenerated_to_sgd,
):
    b1, b2 = betas
    recipe = functools.partial(
        ox.radam,
        b1=b1,
        b2=b2,
        eps=eps,
        degenerated_to_sgd=degenerated_to_sgd,
        amsgrad=amsgrad,
        eps_uncorrected=optimized_update,
    )
    return _decay(
        recipe, lr, weight_decay, decoupled=weight_decouple, absolute=absolute
    )


def lion(lr, betas, weight_decay, decoupled_weight_decay=False):
    """Its decay is always decoupled from the gradient; the flag is about the rate."""
    b1, b2 = betas
    recipe = functools.partial(ox.lion, b1=b1, b2=b2)
    return _decay(recipe, lr, weight_decay, absolute=decoupled_weight_decay)


def ranger(
    lr,
    alpha,
    k,
    n_sma_threshhold,
    betas,
    eps,
    weight_decay,
    use_gc,
    gc_conv_only,
):
    """It centralises over PyTorch's axes, whatever its two switches say."""
    del use_gc, gc_conv_only
    return ox.ranger(
        lr,
        *betas,
        eps,
        sync_period=k,
        slow_step_size=alpha,
        feature_axes=0,
        threshold=n_sma_threshhold,
        weight_decay=weight_decay,
    )


def ranger2020(
    lr,
    alpha,
    k,
    n_sma_threshhold,
    betas,
    eps,
    weight_decay,
    use_gc,
    gc_conv_only,
    gc_loc,
):
    """Centralises the gradient (`gc_loc`) or the step, decay included.

    Its decay is scaled by all that scales the step: r_t and the bias corrections.
    """
    b1, b2 = betas

    def features(path: Any, leaf: jax.Array) -> int | None:
        return 0 if use_gc and leaf.ndim > (3 if gc_conv_only else 1) else None

    def decay(count: jax.Array) -> jax.Array:
        t = count + 1
        term = ox.rectification_term(b2, t, threshold=n_sma_threshhold)
        factor = jnp.where(term > 0, term * jnp.sqrt(1 - b2**t), 1.0) / (1 - b1**t)
        return weight_decay * factor

    adam = ox.scale_by_adam(b1, b2, eps, eps_uncorrected=True)
    center = ox.centralize(features)
    step = [
        ox.rectify(adam, ox.momentum_of(b1), b2=b2, threshold=n_sma_threshhold),
        optax.add_decayed_weights(decay),
    ]
    return optax.chain(
        *([center, *step] if gc_loc else [*step, center]),
        optax.scale_by_learning_rate(lr),
        ox.lookahead(k, alpha),
    )


def heun(lr):
    return ox.heun(lr)


def _inner(inner, **hyper):
    """The optimizer inside an original's Lookahead."""
    package, _, name = inner.split(".")
    return BUILDERS[package, name](**hyper)


def jettify_lookahead(k, alpha, **hyper):
    """Its slow weights begin as those after step 1, and it pulls at steps 1 + k n."""

    def period(count: jax.Array) -> jax.Array:
        return jnp.where(count == 0, 1, k)

    def share(count: jax.Array) -> jax.Array:
        return jnp.where(count == 0, 1.0, alpha)

    return optax.chain(_inner(**hyper), ox.lookahead(period, share))


def kozistr_lookahead(k, alpha, pullback_momentum, **hyper):
    """`pullback_momentum` is about a buffer that Adam and its kin do not have."""
    del pullback_momentum
    return optax.chain(_inner(**hyper), ox.lookahead(k, alpha))


def visualizer_sgd(lr, weight_decay):
    return _descend(optax.identity(), lr, weight_decay)


def visualizer_adamw(lr, betas, eps, weight_decay):
    """Its eps adds up in the second moment, as AdaBelief's does."""
    b1, b2 = betas
    return ox.adamd(lr, b1, b2, eps, eps / (1 - b2), weight_decay=weight_decay)


def _uncorrected(recipe: Recipe) -> Recipe:
    """The visualizer's adaptive optimizers do not correct the first moment."""

    def build(lr, betas, eps, weight_decay):
        return recipe(
            lr, *betas, eps, eps, bias_correction_mu=False, weight_decay=weight_decay
        )

    return build


BUILDERS = {
    ("adabelief", "AdaBelief"): adabelief,
    ("radam", "RAdam"): radam,
    ("radam", "PlainRAdam"): radam,
    ("radam", "AdamW"): radam_adamw,
    ("torch", "Adam"): torch_adam,
    ("torch", "AdamW"): functools.partial(torch_adam, decoupled_weight_decay=True),
    ("torch", "NAdam"): torch_nadam,
    ("torch", "RAdam"): torch_radam,
    ("labml", "RAdam"): labml_radam,
    ("lion", "Lion"): lion,
    ("ranger", "Ranger"): ranger,
    ("ranger2020", "Ranger"): ranger2020,
    ("heun", "HeunOptimizer"): heun,
    ("jettify", "Lookahead"): jettify_lookahead,
    ("kozistr", "Lookahead"): kozistr_lookahead,
    ("visualizer", "SGD"): visualizer_sgd,
    ("visualizer", "Lion"): lion,
    ("visualizer", "AdamW"): visualizer_adamw,
    ("visualizer", "AdaBelief"): _uncorrected(ox.adabelief),
    ("visualizer", "AdaDerivative"): _uncorrected(ox.adaderivative),
    ("visualizer", "AdaBC"): _uncorrected(ox.adabc),
}

# Original code that writes into its own momentum, and whose steps then no longer are a
# function of the gradients: see reference/README.md.
NOT_FOLLOWED = {
    name
    for name, case in CASES.items()
    if case["source"] == "ranger2020"
    and (
        case["hyper"]["weight_decay"]
        or (case["hyper"]["use_gc"] and not case["hyper"]["gc_loc"])
    )
}
FOLLOWED = [name for name in CASES if name not in NOT_FOLLOWED]

# Gradients that are a function of the params, by the file's words for it.
FIELDS = {"p + 0.5*sin(2*p)": lambda p: p + 0.5 * jnp.sin(2 * p)}


def tree(flat: Any) -> dict[str, jax.Array]:
    """The leaves in the order given, from the flat row that the file has."""
    leaves, start = {}, 0
    for leaf in DATA["meta"]["leaves"]:
        size = int(np.prod(leaf["shape"]))
        leaves[leaf["name"]] = jnp.reshape(flat[start : start + size], leaf["shape"])
        start += size
    return leaves


def flat(params: dict[str, jax.Array]) -> jax.Array:
    return jnp.concatenate([jnp.ravel(leaf) for leaf in params.values()])


def path(
    optimizer: optax.GradientTransformation, field: Callable[..., Any] | None = None
) -> np.ndarray:
    """The params as a flat row after every step on the file's gradients.

    Along a field instead, after every second call: a whole step of Heun's method.
    """

    def call(carry: Any, gradient: jax.Array) -> Any:
        params, state = carry
        gradients = jax.tree.map(field, params) if field else tree(gradient)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), flat(params)

    calls = 2 if field else 1
    gradients = jnp.repeat(jnp.array(DATA["gradients"]), calls, axis=0)
    params = tree(jnp.array(DATA["params"]))
    start = (params, optimizer.init(params))
    rows = np.asarray(jax.lax.scan(call, start, gradients)[1])
    return rows[calls - 1 :: calls]


@pytest.mark.parametrize("name", FOLLOWED)
def test_takes_the_steps_of_the_original(name, x64):
    case = CASES[name]
    hyper = {key.lower(): value for key, value in case["hyper"].items()}
    optimizer = BUILDERS[case["source"], case["class"]](**hyper)
    formula = case.get("grads", "").partition("  ")[0]
    rows = path(optimizer, FIELDS[formula] if formula else None)
    assert len(rows) == len(case["expected"]) == DATA["meta"]["steps"]
    for row, expected in zip(rows, case["expected"], strict=True):
        seen = row if len(expected) == len(row) else row[DATA["probe"]]
        np.testing.assert_allclose(seen, expected, rtol=1e-12, atol=1e-12)


def test_every_case_is_followed_or_explained():
    readme = (REFERENCE / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Not followed")[2].partition("\n## ")[0]
    explained = set(re.findall(r"`(\w+/\w+/\d+)`", section))
    assert explained == NOT_FOLLOWED
