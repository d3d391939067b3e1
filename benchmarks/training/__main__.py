"""Which optimizer, at which learning rate? Trains networks and draws what they reach.

Run: python -m benchmarks.training [--dataset digits] [--model cnn]
         [--optimizers sgd,adam,radam] [--learning-rates best] [--seeds 5] [--epochs 20]

`pip install '.[flax]'` is needed. It prints tables and saves JSON and figures; --help
says what else there is.
"""

import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from benchmarks.training import arguments, figures, report, speed
from benchmarks.training.gradient_figure import gradients
from benchmarks.training.loop import Task
from benchmarks.training.study import Runs, Trained, train_all, warm_up_adam
from surfaces.files import replacing

Found = tuple[dict[str, Any], dict[str, Figure]]  # for the JSON, and what is drawn


def main(argv: list[str] | None = None) -> None:
    """Trains at every depth, prints tables, saves JSON and figures."""
    chosen, tasks = arguments.parse(__doc__.splitlines()[0], argv)
    try:
        depths = [_train(chosen, task) for task in tasks]
        if len(tasks) == 1:
            record, drawn = _one_depth(chosen, tasks[0], depths[0])
        else:
            record, drawn = _many_depths(chosen, tasks[0], depths)
    except ValueError as error:
        if chosen.checkpoint is None:
            raise
        arguments.fail(str(error))  # It is the checkpoint of another run.
    costs = speed.measure(tasks[-1], chosen.optimizers, chosen.rounds)
    print(f"\n{report.speed_table(costs)}")
    about = {"machine": report.machine(), "options": vars(chosen), "speed": costs}
    _save(chosen, tasks[0], about | record, drawn)


def _train(chosen: Namespace, task: Task) -> list[Trained]:
    """Every optimizer, one after the other."""
    trained = []
    for name in chosen.optimizers:
        start = time.perf_counter()
        runs = _runs(chosen, task)
        trained.append(train_all(task, name, runs, gradients=bool(chosen.gradients)))
        seconds = time.perf_counter() - start
        print(f"{name}: {trained[-1].test.size} trainings, {seconds:.0f} s", flush=True)
    return trained


def _runs(chosen: Namespace, task: Task) -> Runs:
    folder = chosen.checkpoint
    if folder and chosen.blocks:
        folder /= f"blocks-{task.model.blocks}"
    rates = chosen.learning_rates
    return Runs(rates, chosen.seeds, chosen.at_once, folder, chosen.progress)


def _one_depth(chosen: Namespace, task: Task, trained: Sequence[Trained]) -> Found:
    title, chance = _title(task), 1 / task.data.classes
    print(f"\n{report.trained_table(trained)}")
    record: dict[str, Any] = {"trained": trained}
    drawn = {"curves": figures.curves(trained, title)}
    if len(chosen.learning_rates) > 1:
        drawn["rates"] = figures.rates(trained, chance, title)
    if chosen.warmups:
        (radam,) = (one for one in trained if one.name == "radam")
        adam = warm_up_adam(task, chosen.warmups, _runs(chosen, task))
        record["adam_test_accuracy_by_warmup"] = adam
        drawn["warmups"] = figures.warmups(chosen.warmups, adam, radam, chance, title)
        print(f"\n{report.warmup_table(chosen.warmups, adam, radam)}")
    if chosen.gradients:
        drawn["gradients"] = gradients(trained, chosen.gradients, title)
    return record, drawn


def _many_depths(
    chosen: Namespace, task: Task, depths: Sequence[Sequence[Trained]]
) -> Found:
    print(f"\n{report.depth_table(chosen.blocks, depths)}")
    chance = 1 / task.data.classes
    figure = figures.depths(chosen.blocks, depths, chance, _title(task))
    by_depth = dict(zip(chosen.blocks, depths, strict=True))
    return {"trained_by_blocks": by_depth}, {"depths": figure}


@figures.STYLE
def _save(
    chosen: Namespace, task: Task, record: Mapping[str, Any], drawn: dict[str, Figure]
) -> None:
    stem = chosen.out / f"{task.data.name}-{chosen.model}"
    report.save(stem.with_name(f"{stem.name}.json"), record)
    for name, figure in drawn.items():
        with replacing(stem.with_name(f"{stem.name}-{name}.png")) as beside:
            figure.savefig(beside)
    print(f"\n{chosen.out}: {stem.name}.json, {', '.join(drawn)}")


def _title(task: Task) -> str:
    return f"{type(task.model).__name__} on {task.data.name}"


if __name__ == "__main__":
    main()
