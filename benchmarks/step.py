"""How long is a step? Against Optax, torch and the speed of memory, in one run.

Run: python -m benchmarks.step [--size 20000000] [--rounds 31] [--out FILE]

`pip install '.[bench]'` adds torch to the comparison.
"""

import os
from collections.abc import Callable
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
    transformer,
)
from benchmarks.report import parser, publish, setting


def torch_runs(params: Any) -> dict[str, Callable[[], object]]:
    """torch's fused AdamW and foreach RAdam on leaves of the same shapes."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(os.cpu_count() or 1)
    runs = {}
    for name, factory, choice in (
        ("torch AdamW, fused", torch.optim.AdamW, {"fused": True}),
        ("torch RAdam, foreach", torch.optim.RAdam, {"foreach": True}),
    ):
        leaves = [torch.randn(leaf.shape) for leaf in jax.tree.leaves(params)]
        for leaf in leaves:
            leaf.grad = torch.randn(leaf.shape)
        runs[name] = factory(leaves, lr=RATE, **choice).step
    return runs


def report(title: str, params: Any, rounds: int) -> str:
    """A table in Markdown: a row an optimizer."""
    optimizers = {"optax.adam": optax.adam(RATE)}
    for name, (ours, namesake) in RECIPES.items():
        optimizers[name] = ours(RATE)
        if namesake is not None:
            optimizers[f"optax.{name}"] = namesake(RATE)
    steps = {name: compile_step(made, params) for name, made in optimizers.items()}
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    copy = Copy(size // 4)
    times = medians(
        {
            "copy": copy,
            **{name: Runner(step, params) for name, step in steps.items()},
            **torch_runs(params),
        },
        rounds,
    )
    copy_speed = copy.bytes / times["copy"]

    lines = [
        f"## {title}",
        "",
        f"Copying the parameters: {times['copy'] * 1e3:.1f} ms, "
        f"{copy_speed / 1e9:.1f} GB/s.",
        "",
        "| optimizer | ms | / optax.adam | / namesake | / torch AdamW | / torch RAdam "
        "| share of copy speed | temporary, buffers | compile, s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, step in steps.items():
        seconds = times[name]
        rivals = ("optax.adam", f"optax.{name}", *(n for n in times if "torch" in n))
        ratios = [f"{seconds / times[n]:.2f}" if n in times else "" for n in rivals]
        ratios += [""] * (4 - len(ratios))
        lines.append(
            f"| {name} | {seconds * 1e3:.1f} | {' | '.join(ratios)} "
            f"| {step.moved_bytes / seconds / copy_speed:.0%} "
            f"| {step.temporary_bytes / size:.2f} | {step.compile_seconds:.2f} |"
        )
    for name in times:
        if "torch" in name:
            lines.append(f"| {name} | {times[name] * 1e3:.1f} |  |  |  |  |  |  |  |")
    return "\n".join(lines)


def main() -> None:
    """Prints the tables, and saves them where asked."""
    options = parser(__doc__, rounds=31, counted="steps of each")
    options.add_argument("--size", type=int, default=20_000_000, help="parameters")
    chosen = options.parse_args()
    parts = [
        "# Time of a step",
        "`update` and `apply_updates` in one program, params and state donated, "
        f"float32. Medians of {chosen.rounds} rounds with all optimizers in each. "
        f"{setting()}. [What limits them](limits.md).",
        report("One leaf", one_leaf(chosen.size), chosen.rounds),
        report("A Transformer's leaves", transformer(chosen.size), chosen.rounds),
    ]
    publish(parts, chosen.out)


if __name__ == "__main__":
    main()
