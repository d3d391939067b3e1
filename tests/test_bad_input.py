"""Mistakes are refused where they are made: part, argument, rule and value.

A mistake in an argument is refused at construction, one in params at `init`, one in
gradients at `update`.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import RECIPES, ROWS, Row

from optax_extra import (
    adabelief,
    adaderivative,
    adam_2k,
    centralize,
    clip_momentum,
    lookahead,
    momentum_of,
    radam,
    rectification_term,
    rectify,
    scale_by_adam,
    scale_by_belief,
    scale_by_derivative,
    sign_momentum,
    slow_params,
)

PARAMS = {"layer": {"kernel": jnp.ones(2)}}
ADAPTIVE = scale_by_adam, scale_by_belief, scale_by_derivative


def refuses(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


def decay_rates() -> list[Any]:
    """Every b1 and b2 of every part, each called with a bad one."""
    calls = {
        **{part: part for part in (*ADAPTIVE, sign_momentum)},
        momentum_of: momentum_of,
        rectify: lambda b2: rectify(optax.identity(), b2=b2),
        rectification_term: lambda b2: rectification_term(b2, 1),
    }
    return [
        pytest.param(call, part.__name__, name, id=f"{part.__name__}-{name}")
        for part, call in calls.items()
        for name in ("b1", "b2")
        if name in inspect.signature(call).parameters
    ]


@pytest.mark.parametrize(("call", "part", "name"), decay_rates())
@pytest.mark.parametrize("value", [-0.1, 1, 1.5, float("nan"), np.float32(1)])
def test_decay_rate(call: Callable[..., Any], part: str, name: str, value: Any) -> None:
    with refuses(ValueError, f"{part}: {name} must be in [0, 1), got {value}"):
        call(**{name: value})


@pytest.mark.parametrize("part", ADAPTIVE)
@pytest.mark.parametrize("name", ["eps", "eps_root", "hold_steps"])
def test_negative_number(part: Callable[..., Any], name: str) -> None:
    with refuses(ValueError, f"{part.__name__}: {name} must be at least 0, got -1"):
        part(**{name: -1})


@pytest.mark.parametrize("part", ADAPTIVE)
@pytest.mark.parametrize(
    "name", ["nesterov", "bias_correction_mu", "amsgrad", "eps_uncorrected"]
)
@pytest.mark.parametrize("value", [1, None, "yes"])
def test_flag_of_a_part(part: Callable[..., Any], name: str, value: Any) -> None:
    message = f"{part.__name__}: {name} must be True or False, got {value!r}"
    with refuses(TypeError, message):
        part(**{name: value})


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        (adabelief, "rectified"),
        (adaderivative, "rectified"),
        (radam, "degenerated_to_sgd"),
    ],
)
@pytest.mark.parametrize("value", [1, None, "yes"])
def test_flag_of_a_recipe(recipe: Callable[..., Any], name: str, value: Any) -> None:
    message = f"{recipe.__name__}: {name} must be True or False, got {value!r}"
    with refuses(TypeError, message):
        recipe(0.1, **{name: value})


@pytest.mark.parametrize(
    ("part", "name"),
    [
        *((part, name) for part in ADAPTIVE for name in ("mu_dtype", "nu_dtype")),
        (scale_by_derivative, "previous_dtype"),
        (sign_momentum, "mu_dtype"),
    ],
)
@pytest.mark.parametrize(
    "value", [jnp.int32, "bool", "float33", jnp.float8_e4m3fn, "float8_e5m2"]
)
def test_dtype(part: Callable[..., Any], name: str, value: Any) -> None:
    message = (
        f"{part.__name__}: {name} must be a floating dtype of 16 bits or more, "
        f"got {value!r}"
    )
    with refuses(ValueError, message):
        part(**{name: value})


@pytest.mark.parametrize("part", ADAPTIVE)
@pytest.mark.parametrize(
    ("value", "ending"),
    [("deema", "'deema'; did you mean 'dema'?"), ("sum", "'sum'"), (2, "2")],
)
def test_moving_average(part: Callable[..., Any], value: Any, ending: str) -> None:
    with refuses(
        ValueError,
        f"{part.__name__}: moving_average must be one of 'ema', 'dema', 'tema', "
        f"got {ending}",
    ) as refusal:
        part(moving_average=value)
    assert str(refusal.value).endswith(ending)


@pytest.mark.parametrize("part", ADAPTIVE)
def test_nesterov_with_another_moving_average(part: Callable[..., Any]) -> None:
    with refuses(ValueError, "nesterov must be False with moving_average='tema'"):
        part(nesterov=True, moving_average="tema")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: rectify(optax.identity(), b2=0.9, threshold=3.5),
            ValueError,
            "rectify: threshold must be at least 4, got 3.5",
        ),
        (
            lambda: rectification_term(0.9, 1, threshold=3.5),
            ValueError,
            "rectification_term: threshold must be at least 4, got 3.5",
        ),
        (
            lambda: radam(0.1, threshold=3.5),
            ValueError,
            "rectify: threshold must be at least 4, got 3.5",
        ),
        (
            lambda: rectify(0.9, b2=0.9),
            TypeError,
            "rectify: adaptive must be a GradientTransformation, got 0.9",
        ),
        (
            lambda: rectify(optax.identity(), 0.9, b2=0.9),
            TypeError,
            "rectify: unadapted must be a GradientTransformation, None or "
            "momentum_of(b1), got 0.9",
        ),
        (
            lambda: momentum_of(0.9, nesterov=1),
            TypeError,
            "momentum_of: nesterov must be True or False, got 1",
        ),
        (
            lambda: clip_momentum(2.0, 0.1),
            ValueError,
            "clip_momentum: lower must be at most upper, got 2.0 > 0.1",
        ),
        (
            lambda: clip_momentum(jnp.array(2.0), np.array(0.5)),
            ValueError,
            "clip_momentum: lower must be at most upper, got 2.0 > 0.5",
        ),
        (
            lambda: adam_2k(0.1, hold_steps=-1),
            ValueError,
            "scale_by_adam: hold_steps must be at least 0, got -1",
        ),
        (
            lambda: clip_momentum(lower=-0.1),
            ValueError,
            "clip_momentum: lower must be at least 0, got -0.1",
        ),
        (
            lambda: lookahead(0),
            ValueError,
            "lookahead: sync_period must be at least 1, got 0",
        ),
        (
            lambda: lookahead(slow_step_size=1.5),
            ValueError,
            "lookahead: slow_step_size must be in [0, 1], got 1.5",
        ),
        (
            lambda: lookahead("often"),
            TypeError,
            "lookahead: sync_period must be a number at least 1, got 'often'",
        ),
        (
            lambda: scale_by_adam(b1="high"),
            TypeError,
            "scale_by_adam: b1 must be a number in [0, 1), got 'high'",
        ),
        (
            lambda: scale_by_adam(b1=True),
            TypeError,
            "scale_by_adam: b1 must be a number in [0, 1), got True",
        ),
    ],
)
def test_other_arguments(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with refuses(error, message):
        call()


NAMED = [
    pytest.param(row, name, id=f"{row}-{name}") for row in ROWS for name in row.numeric
]


@pytest.mark.parametrize(("row", "name"), NAMED)
@pytest.mark.parametrize("build", [lambda call: call, jax.jit], ids=["array", "tracer"])
def test_array_for_a_scalar(row: Row, name: str, build: Callable[..., Any]) -> None:
    """Neither a known one nor a tracer: one value an element is no hyperparameter."""

    def call(value: chex.Array) -> int:
        row.make(**{name: value})
        return 0

    message = f": {name} must be a scalar, got an array of shape (3,)"
    with refuses(ValueError, message):
        build(call)(jnp.full(3, 0.5))


@pytest.mark.parametrize("row", RECIPES, ids=str)
@pytest.mark.parametrize("name", ["learning_rate", "weight_decay"])
@pytest.mark.parametrize(
    ("value", "error", "rule"),
    [
        (float("nan"), ValueError, "finite"),
        (float("-inf"), ValueError, "finite"),
        ("high", TypeError, "a finite number or a schedule"),
        (True, TypeError, "a finite number or a schedule"),
    ],
)
def test_rate(
    row: Row, name: str, value: Any, error: type[Exception], rule: str
) -> None:
    with refuses(error, f"{row.part}: {name} must be {rule}, got {value!r}"):
        row.make(**{name: value})


@pytest.mark.parametrize("row", RECIPES, ids=str)
def test_no_weight_decay_is_zero_and_not_none(row: Row) -> None:
    rule = "a finite number or a schedule"
    with refuses(TypeError, f"{row.part}: weight_decay must be {rule}, got None"):
        row.make(weight_decay=None)


@pytest.mark.parametrize(
    ("adaptive", "count"),
    [
        (optax.scale_by_adam(), 0),
        (optax.chain(scale_by_adam(), scale_by_belief()), 2),
    ],
    ids=["none", "two"],
)
def test_momentum_of_needs_one_moments_state(adaptive: Any, count: int) -> None:
    with refuses(
        ValueError,
        "rectify: momentum_of must find exactly one MomentsState in the state of the "
        f"adaptive part, got {count}; use optax.ema(b1) as unadapted part",
    ):
        rectify(adaptive, momentum_of(0.9), b2=0.999).init(PARAMS)


@pytest.mark.parametrize(
    ("adaptive", "nesterov", "message"),
    [
        *(
            (
                adaptive,
                False,
                "rectify: momentum_of must find a moment of every leaf of params, got "
                "PyTreeDef({'a': *, 'b': CustomNode(namedtuple[MaskedNode], [])}); put "
                "optax.masked or optax.partition around rectify, or use optax.ema(b1) "
                "as unadapted part",
            )
            for adaptive in (
                optax.masked(scale_by_adam(), {"a": True, "b": False}),
                optax.partition(
                    {"fast": scale_by_adam(), "still": optax.set_to_zero()},
                    {"a": "fast", "b": "still"},
                ),
            )
        ),
        (
            optax.chain(scale_by_adam(nesterov=True)),
            True,
            "rectify: momentum_of(nesterov=True) must stand beside a part alone, whose "
            "gradients it sees, got tuple; chain before rectify",
        ),
    ],
    ids=["masked", "partition", "chain"],
)
def test_momentum_of_cannot_read(adaptive: Any, nesterov: bool, message: str) -> None:
    part = rectify(adaptive, momentum_of(0.9, nesterov=nesterov), b2=0.999)
    with refuses(ValueError, message):
        part.init({"a": jnp.ones(2), "b": jnp.ones(2)})


def test_momentum_of_is_no_transformation() -> None:
    with refuses(TypeError, "must be the second argument of rectify(adaptive,"):
        optax.chain(momentum_of(0.9), optax.scale(-1.0))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_integer_leaf(row: Row) -> None:
    params = PARAMS | {"steps": [jnp.ones(2, jnp.int32)]}
    with refuses(
        ValueError,
        "params must have floating or complex leaves, got int32 at ['steps'][0]; "
        "leave it out with optax.masked or optax.partition",
    ):
        row.optimizer().init(params)


STATEFUL = [row for row in ROWS if row.part not in ("clip_momentum", "centralize")]


@pytest.mark.parametrize("row", STATEFUL, ids=str)
def test_gradients_of_another_tree(row: Row) -> None:
    part = row.make()
    state = part.init(PARAMS)
    with refuses(ValueError, ": updates must have the tree of params, got PyTreeDef("):
        part.update(PARAMS["layer"], state, PARAMS)


def test_lookahead_without_params() -> None:
    part = lookahead()
    with refuses(ValueError, "lookahead: update must be given params, got None"):
        part.update(PARAMS, part.init(PARAMS))


def test_slow_params_without_lookahead() -> None:
    state = optax.adam(0.1).init(PARAMS)
    with refuses(
        ValueError,
        "slow_params: opt_state must hold the state of a lookahead, got none in tuple",
    ):
        slow_params(state, PARAMS)


def test_slow_params_of_another_tree() -> None:
    state = lookahead().init(PARAMS)
    with refuses(
        ValueError,
        "slow_params: params must be the tree that lookahead saw, got one without "
        "['layer']['kernel']",
    ):
        slow_params(state, {"layer": {"bias": jnp.ones(2)}})


@pytest.mark.parametrize("value", ["torch", [1], True, (0, "a"), 1.0, None])
def test_feature_axes(value: Any) -> None:
    with refuses(
        TypeError,
        'centralize: feature_axes must be "flax", an int, a tuple of ints or a '
        f"function of (path, leaf), got {value!r}",
    ):
        centralize(value)


@pytest.mark.parametrize("value", [2, -3, (0, 2), 1.5, [0], True])
@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"layer": {"kernel": jnp.ones((2, 3))}}, "['layer']['kernel']"),
        (jnp.ones((2, 3)), "the root"),
    ],
    ids=["in a tree", "alone"],
)
def test_feature_axes_of_a_leaf(value: Any, params: Any, name: str) -> None:
    axes = value if type(value) in (int, tuple) else lambda path, leaf: value
    with refuses(
        ValueError,
        f"centralize: feature_axes must be axes of every leaf, got {value!r} for "
        f"{name} of shape (2, 3)",
    ):
        centralize(axes).init(params)


# Lookahead's numbers, the learning rate and the weight decay may be schedules as such.
TAKES_SCHEDULES = {"sync_period", "slow_step_size", "learning_rate", "weight_decay"}


@pytest.mark.parametrize(
    ("row", "name"), [case for case in NAMED if case.values[1] not in TAKES_SCHEDULES]
)
def test_schedule_that_must_be_injected(row: Row, name: str) -> None:
    with refuses(
        TypeError, "for a schedule wrap the factory in optax.inject_hyperparams"
    ):
        row.make(**{name: optax.constant_schedule(0.5)})


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_tracers_skip_the_range_checks(row: Row) -> None:
    """So that one program serves all values, and the user answers for them."""

    @jax.jit
    def build(numbers: dict[str, Any]) -> int:
        row.make(**numbers)
        return 0

    build(dict.fromkeys(row.numeric, -1.0))
