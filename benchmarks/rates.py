"""The whole roster on all surfaces at 256 learning rates: where do the seconds go?

Run: python -m benchmarks.rates
"""

import time
from collections import Counter

import jax

from surfaces import ROSTER, SURFACES, rate_curves
from surfaces.sensitivity import RATES

STEPS = 100
PHASES = {
    "/jax/core/compile/jaxpr_trace_duration": "trace",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lower",
    "/jax/core/compile/backend_compile_duration": "compile",
}


def main() -> None:
    """Prints a table of the phases, cold: nothing is compiled before."""
    spent: Counter[str] = Counter()

    def listen(event: str, seconds: float, **_: object) -> None:
        if event in PHASES:
            spent[PHASES[event]] += seconds

    jax.monitoring.register_event_duration_secs_listener(listen)
    start = time.perf_counter()
    curves = rate_curves(list(SURFACES.values()), ROSTER, RATES, STEPS)
    total = time.perf_counter() - start
    spent["run and the rest"] = total - spent.total()

    count = len(ROSTER) * len(curves) * len(RATES)
    print(
        f"{len(ROSTER)} optimizers x {len(curves)} surfaces x {len(RATES)} rates x "
        f"{STEPS} steps: {count:,} runs\n\n| phase | s | share |\n|---|---|---|"
    )
    for phase, seconds in [*spent.items(), ("all", total)]:
        print(f"| {phase} | {seconds:.2f} | {seconds / total:.0%} |")


if __name__ == "__main__":
    main()
