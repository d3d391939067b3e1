"""The table of every part and every recipe.

A new part is one file, one row, one reference. Each row meets every test of the
battery, so a row says only what the tests cannot know: how the factory is called,
which of its arguments are numbers that may be swept, and whose namesake it is.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import optax

import optax_extra

RATE = 0.01

# What is as exact as a format of `quantize_state`: blocks have three bits of mantissa.
FORMATS = {"bfloat16": jnp.bfloat16, "int8": jnp.float8_e4m3fn}


@dataclass(frozen=True)
class Row:
    """A factory, how it is called, and what the battery may vary."""

    name: str
    factory: Callable[..., optax.GradientTransformation]
    numeric: Mapping[str, tuple[float, ...]]
    reference: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    namesake: Callable[..., optax.GradientTransformation] | None = None
    complex: bool = True
    last: bool = False  # The last part of a chain: it sees the updates to be applied.

    def __str__(self) -> str:
        return self.name

    @property
    def part(self) -> str:
        """The public name that the row is about."""
        return self.name.partition("-")[0]

    @property
    def parameters(self) -> set[str]:
        return set(inspect.signature(self.factory).parameters)

    @property
    def whole(self) -> bool:
        """Whether the factory makes an optimizer rather than a part of one."""
        return "learning_rate" in self.parameters

    @property
    def stored(self) -> Any:
        """The dtype that the row asks its state to be kept in, if any."""
        dtypes = [v for k, v in self.arguments.items() if k.endswith("dtype")]
        dtypes += [FORMATS[v] for k, v in self.arguments.items() if k == "format"]
        return dtypes[0] if dtypes else None

    def make(self, **changes: Any) -> optax.GradientTransformation:
        """The part alone, or the recipe."""
        rate = {"learning_rate": RATE} if self.whole else {}
        return self.factory(**{**rate, **self.arguments, **changes})

    def optimizer(
        self,
        learning_rate: Any = RATE,
        factory: Callable[..., optax.GradientTransformation] | None = None,
        **changes: Any,
    ) -> optax.GradientTransformation:
        """A whole optimizer: a part is chained with the learning rate."""
        arguments = {**self.arguments, **changes}
        factory = factory or self.factory
        if self.whole:
            return factory(**{"learning_rate": learning_rate, **arguments})
        parts = factory(**arguments), optax.scale_by_learning_rate(learning_rate)
        return optax.chain(*reversed(parts) if self.last else parts)

    def injected(
        self, hyperparam_dtype: Any = jnp.float32, **arguments: Any
    ) -> optax.GradientTransformationExtraArgs:
        """The factory with its numbers in the state; choices and dtypes are static."""
        static = self.parameters - set(self.numeric)
        return optax.inject_hyperparams(
            self.factory, static_args=static, hyperparam_dtype=hyperparam_dtype
        )(**arguments)


MOMENTS = {
    "b1": (0.5, 0.9),
    "b2": (0.9, 0.999),
    "eps": (1e-8, 1e-3),
    "eps_root": (1e-12, 1e-4),
}
DECAYS = {"b1": (0.5, 0.9), "b2": (0.9, 0.99)}
LEARNING_RATE = {"learning_rate": (0.001, 0.01)}
WEIGHT_DECAY = {"weight_decay": (0.0, 0.1)}
BAND = {"lower": (0.0, 0.1), "upper": (0.5, 2.0)}
LOOKAHEAD = {"sync_period": (1, 3, 5), "slow_step_size": (0.0, 0.5, 1.0)}
HOLD = {"hold_steps": (1, 3)}
THRESHOLD = {"threshold": (4.0, 5.0)}

ADAM = "Kingma and Ba 2014, https://arxiv.org/abs/1412.6980"
BELIEF = "Zhuang et al. 2020, https://arxiv.org/abs/2010.07468"
DERIVATIVE = "Zou et al. 2023, https://doi.org/10.1016/j.engappai.2022.105755"
RADAM = "Liu et al. 2020, https://arxiv.org/abs/1908.03265"
LION = "Chen et al. 2023, https://arxiv.org/abs/2302.06675"
SLOW = "Zhang et al. 2019, https://arxiv.org/abs/1907.08610"
ADAMD = "St John 2021, https://arxiv.org/abs/2110.10828"
CENTRAL = "Yong et al. 2020, https://arxiv.org/abs/2004.01461"
RANGER = "Wright 2019, https://github.com/lessw2020/Ranger-Deep-Learning-Optimizer"
KAHAN = "Kahan 1965, https://doi.org/10.1145/363707.363723"
BLOCKWISE = "Dettmers et al. 2021, https://arxiv.org/abs/2110.02861"
HEUN = "Heun 1900, Neue Methoden zur approximativen Integration"
ADABC = "ImpactCrater 2023, https://github.com/ImpactCrater/OptimizerVisualizer"

# Part, Optax's namesake, reference.
ADAPTIVE = (
    (optax_extra.scale_by_adam, optax.scale_by_adam, ADAM),
    (optax_extra.scale_by_belief, optax.scale_by_belief, BELIEF),
    (optax_extra.scale_by_derivative, None, DERIVATIVE),
)

# The options that change the program. Optax's namesakes know the first two.
OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "nesterov": {"nesterov": True},
    "uncorrected": {"bias_correction_mu": False},
    "amsgrad": {"amsgrad": True},
    "dema": {"moving_average": "dema"},
    "tema": {"moving_average": "tema"},
    "eps_uncorrected": {"eps_uncorrected": True},
    "hold": {"hold_steps": 2},
    "bfloat16": {"mu_dtype": jnp.bfloat16, "nu_dtype": jnp.bfloat16},
}
OPTAX_OPTIONS = ("default", "nesterov")

UNADAPTED: dict[str, Callable[[Any], Any]] = {
    "momentum_of": optax_extra.momentum_of,
    "ema": optax.ema,
    "none": lambda b1: None,
}


def rectified(
    part: Callable[..., optax.GradientTransformation],
    unadapted: Callable[[Any], Any],
    b1: Any = 0.9,
    b2: Any = 0.999,
    threshold: Any = 5.0,
) -> optax.GradientTransformation:
    """`rectify` as a function of numbers alone."""
    return optax_extra.rectify(part(b1, b2), unadapted(b1), b2=b2, threshold=threshold)


PARTS = [
    *(
        Row(
            f"{part.__name__}-{option}",
            part,
            MOMENTS | (HOLD if option == "hold" else {}),
            reference,
            arguments,
            namesake if option in OPTAX_OPTIONS else None,
        )
        for part, namesake, reference in ADAPTIVE
        for option, arguments in OPTIONS.items()
    ),
    Row(
        "scale_by_derivative-previous_bfloat16",
        optax_extra.scale_by_derivative,
        MOMENTS,
        DERIVATIVE,
        {"previous_dtype": jnp.bfloat16},
    ),
    *(
        Row(
            f"rectify-{name}",
            functools.partial(rectified, optax_extra.scale_by_adam, unadapted),
            DECAYS | THRESHOLD,
            RADAM,
        )
        for name, unadapted in UNADAPTED.items()
    ),
    Row(
        "sign_momentum",
        optax_extra.sign_momentum,
        DECAYS,
        LION,
        namesake=optax.scale_by_lion,
    ),
    Row(
        "sign_momentum-bfloat16",
        optax_extra.sign_momentum,
        DECAYS,
        LION,
        {"mu_dtype": jnp.bfloat16},
    ),
    Row("clip_momentum", optax_extra.clip_momentum, BAND, ADABC),
    Row("centralize", optax_extra.centralize, {}, CENTRAL),
    Row("scale_by_heun", optax_extra.scale_by_heun, {}, HEUN),
    Row("lookahead", optax_extra.lookahead, LOOKAHEAD, SLOW, last=True),
    Row(
        "lookahead-every_step",
        optax_extra.lookahead,
        LOOKAHEAD,
        SLOW,
        {"sync_period": 1},
        last=True,
    ),
]

# Name, arguments, further numbers, reference, Optax's namesake.
RECIPES = [
    Row(
        name,
        getattr(optax_extra, name.partition("-")[0]),
        LEARNING_RATE | WEIGHT_DECAY | numeric,
        reference,
        arguments,
        namesake,
    )
    for name, arguments, numeric, reference, namesake in (
        ("adabelief", {}, MOMENTS, BELIEF, optax.adabelief),
        ("adabelief-rectified", {"rectified": True}, MOMENTS, BELIEF, None),
        ("adabelief-decay", {"weight_decay": 0.1}, {}, BELIEF, None),
        ("adaderivative", {}, MOMENTS, DERIVATIVE, None),
        ("adaderivative-rectified", {"rectified": True}, MOMENTS, DERIVATIVE, None),
        ("adabc", {}, MOMENTS | BAND, ADABC, None),
        ("adamd", {}, MOMENTS, ADAMD, None),
        ("adam_2k", {"hold_steps": 2}, MOMENTS | HOLD, RADAM, None),
        ("radam", {}, MOMENTS | THRESHOLD, RADAM, optax.radam),
        ("radam-hold", {"degenerated_to_sgd": False}, MOMENTS, RADAM, None),
        ("ranger", {}, MOMENTS | LOOKAHEAD | THRESHOLD, RANGER, None),
        ("heun", {}, {}, HEUN, None),
        ("lion", {}, DECAYS, LION, optax.lion),
        ("lion-no_decay", {"weight_decay": 0.0}, DECAYS, LION, optax.lion),
    )
]


def quantized(
    recipe: Callable[..., optax.GradientTransformation],
    format: str,
    learning_rate: Any,
    b1: Any = 0.9,
    b2: Any = 0.99,
    weight_decay: Any = 0.0,
) -> optax.GradientTransformation:
    """A recipe with all of its state in few bits, and in more than one block."""
    return optax_extra.quantize_state(
        recipe(learning_rate, b1=b1, b2=b2, weight_decay=weight_decay),
        format,
        block_size=2 if format == "int8" else None,
        min_size=1,
    )


# All formats of what the table in the README has; of the rest one each.
QUANTIZED = [
    Row(
        f"quantize_state-{name}-{format}",
        functools.partial(quantized, recipe),
        LEARNING_RATE | WEIGHT_DECAY | DECAYS,
        BLOCKWISE,
        {"format": format},
    )
    for name, recipe, formats in (
        ("adaderivative", optax_extra.adaderivative, FORMATS),
        ("adabelief", optax_extra.adabelief, FORMATS),
        ("radam", optax_extra.radam, FORMATS),
        ("lion", optax_extra.lion, FORMATS),
        ("ranger", optax_extra.ranger, ["bfloat16"]),
        (
            "adamd_amsgrad_dema",
            functools.partial(optax_extra.adamd, amsgrad=True, moving_average="dema"),
            ["int8"],
        ),
    )
    for format in formats
]

# Beside float32 params; beside bfloat16 ones it has tests of its own.
COMPENSATED = [Row("compensate", optax_extra.compensate, {}, KAHAN, last=True)]

ROWS = PARTS + RECIPES + QUANTIZED + COMPENSATED


def combined(
    part: Callable[..., optax.GradientTransformation],
    unadapted: Callable[[Any], Any] | None,
    slow: bool,
    learning_rate: Any,
    b1: Any = 0.9,
    b2: Any = 0.999,
) -> optax.GradientTransformation:
    """An adaptive part, plain or rectified, with or without Lookahead behind it."""
    return optax.chain(
        rectified(part, unadapted, b1, b2) if unadapted else part(b1, b2),
        optax.scale_by_learning_rate(learning_rate),
        *([optax_extra.lookahead(3)] if slow else []),
    )


COMBINATIONS = [
    Row(
        f"{part.__name__}-{name}{'-lookahead' if slow else ''}",
        functools.partial(combined, part, unadapted, slow),
        LEARNING_RATE | DECAYS,
        reference,
    )
    for (part, _, reference), (name, unadapted), slow in itertools.product(
        ADAPTIVE, {"plain": None, **UNADAPTED}.items(), (False, True)
    )
]
