"""On an accelerator: steps at a billion parameters, and paths at up to a million lanes.

Run: python -m benchmarks.gpu [--size 1000000000] [--lanes 1000,10000,100000,1000000]

Prints, for each recipe, bytes a second against a copy on the same device in the same
run, and torch's fused AdamW beside it where torch finds the device. Without an
accelerator it runs on the CPU: give it a small --size.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import optax

from benchmarks.contenders import (
    RATE,
    RECIPES,
    Copy,
    Runner,
    compile_step,
    medians,
    one_leaf,
)
from benchmarks.report import counts, parser, publish, setting
from surfaces import SURFACES
from surfaces.scan import on_one, walk_to_end

STEPS = 100


def torch_adamw(size: int) -> dict[str, Any]:
    """torch's fused AdamW on the same kind of device, where torch has one."""
    try:
        import torch
    except ImportError:
        return {}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if (device == "cuda") != (jax.default_backend() == "gpu"):
        return {}
    weights = torch.randn(size, device=device)
    weights.grad = torch.randn(size, device=device)
    optimizer = torch.optim.AdamW([weights], lr=RATE, fused=True)

    def step() -> None:
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return {"torch AdamW, fused": step}


def steps_table(size: int, rounds: int) -> str:
    """A row an optimizer, one at a time: a billion parameters fill a device."""
    copy = Copy(size)
    copy_seconds = medians({"copy": copy}, rounds)["copy"]
    speed = copy.bytes / copy_seconds
    del copy

    def row(name: str, seconds: float, moved: float) -> str:
        cells = f"{seconds * 1e3:.2f} | {moved / 1e9:.0f} | {moved / speed:.0%}"
        return f"| {name} | {cells} |"

    lines = [
        f"## Steps, {size:,} parameters in one leaf",
        "",
        f"Copy: {speed / 1e9:.0f} GB/s.",
        "",
        "| optimizer | ms | GB/s | share of copy speed |",
        "|---|---|---|---|",
    ]
    optimizers = {"optax.adam": optax.adam(RATE)}
    optimizers |= {name: ours(RATE) for name, (ours, _) in RECIPES.items()}
    for name, optimizer in optimizers.items():
        params = one_leaf(size)
        step = compile_step(optimizer, params)
        seconds = medians({name: Runner(step, params)}, rounds)[name]
        lines.append(row(name, seconds, step.moved_bytes / seconds))
        del params, step
    for name, run in torch_adamw(size).items():
        seconds = medians({name: run}, rounds)[name]
        # It reads g, w, m, v and writes w, m, v.
        lines.append(row(name, seconds, 7 * 4 * size / seconds))
    return "\n".join(lines)


def lanes_table(lanes: Sequence[int], rounds: int) -> str:
    """Nanoseconds a step and lane, of many descents at once."""
    surface = SURFACES["rosenbrock"]
    names = ("adabelief", "radam", "lion")
    lines = [
        f"## Paths on {surface.name}, {STEPS} steps",
        "",
        "ns a step and lane; launches of kernels rule where it falls with the lanes.",
        "",
        f"| lanes | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for count in lanes:
        starts = jax.random.uniform(
            jax.random.key(0), (count, 2), minval=-1.0, maxval=1.0
        )
        cells = []
        for name in names:
            course = on_one(RECIPES[name][0](0.01), surface)
            walk = functools.partial(walk_to_end, course, STEPS)
            ends = jax.jit(jax.vmap(walk))
            run = {name: lambda ends=ends, at=starts: jax.block_until_ready(ends(at))}
            seconds = medians(run, rounds)[name]
            cells.append(f"{seconds / count / STEPS * 1e9:.2f}")
        lines.append(f"| {count:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the tables, and saves them where asked."""
    options = parser(__doc__, rounds=11, counted="runs of each")
    options.add_argument("--size", type=int, default=1_000_000_000, help="parameters")
    options.add_argument(
        "--lanes",
        type=counts,
        default=[1_000, 10_000, 100_000, 1_000_000],
        help="descents at once, separated by commas",
    )
    chosen = options.parse_args()
    parts = [
        "# On an accelerator",
        f"{setting()}. Float32, donated, medians of {chosen.rounds}.",
        steps_table(chosen.size, chosen.rounds),
        lanes_table(chosen.lanes, chosen.rounds),
    ]
    publish(parts, chosen.out)


if __name__ == "__main__":
    main()
