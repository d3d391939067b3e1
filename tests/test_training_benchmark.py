"""The comparison of optimizers on networks: it trains, draws, saves and refuses."""

import json
import math
import re
from pathlib import Path

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from benchmarks.training import arguments, data, loop, report
from benchmarks.training.__main__ import main
from benchmarks.training.models import MODELS, Conv
from benchmarks.training.optimizers import NEAREST, warmed, weights
from benchmarks.training.speed import Speed
from benchmarks.training.study import Trained
from optax_extra import adabelief, lookahead, radam, slow_params
from surfaces import ROSTER

KEY = jax.random.key(0)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 6, 7, 3), dtype=np.uint8)
LABELS = np.arange(40, dtype=np.uint8)[:, None] % 3
FILE = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS}


@pytest.fixture(autouse=True, scope="module")
def _quickly_compiled():
    """Most of the time of these small networks is that of compiling."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def written(folder: Path, **changes: np.ndarray | None) -> Path:
    """A data set of Keras's format, with some arrays replaced or left out."""
    arrays = {name: a for name, a in (FILE | changes).items() if a is not None}
    path = folder / "images.npz"
    np.savez(path, **arrays)
    return path


def tiny(optimizer: str, **options: bool) -> tuple[loop.Task, object]:
    """A task of three epochs on few images, and its training function."""
    split = data.Split(jnp.asarray(IMAGES), jnp.asarray(LABELS[:, 0], jnp.int32))
    dataset = data.Dataset("tiny", 3, 255.0, split, split, split)
    task = loop.Task(dataset, MODELS["mlp"](3, width=4), epochs=3, batch=16)
    return task, loop.trainer(task, ROSTER[optimizer], **options)


# What it makes


def test_trains_saves_and_draws(tmp_path, capsys):
    out = tmp_path / "made"
    options = "--optimizers radam --learning-rates 0.01,0.1 --model mlp --seeds 2"
    more = "--epochs 3 --warmups 0,1 --gradients 5 --rounds 1"
    main([*options.split(), *more.split(), "--out", str(out)])
    shown = capsys.readouterr().out
    assert all(row in shown for row in ("| RAdam |", "| RAdam, 0 |", "| Adam, 1 |"))
    assert "optax.radam" in shown
    figures = ("curves", "rates", "warmups", "gradients")
    for name in figures:
        picture = out / f"digits-mlp-{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert len(list(out.iterdir())) == len(figures) + 1

    record = json.loads((out / "digits-mlp.json").read_text())
    (radam,) = record["trained"]
    assert np.shape(radam["test"]) == (2, 2)  # rates, seeds
    assert np.shape(radam["history"]["validation_loss"]) == (2, 2, 3)
    assert np.shape(radam["losses"]) == (2, 3 * 16)
    assert np.shape(radam["gradients"]) == (3 * 16, loop.BINS)
    assert np.shape(record["adam_test_accuracy_by_warmup"]) == (2, 2, 2)
    speed = record["speed"]["radam"]
    assert min(speed[name] for name in ("steps_a_second", "peak_bytes", "ratio")) > 0
    # Digits are learned, and what is best was chosen by validation.
    validated = np.mean(radam["history"]["validation_accuracy"], axis=1)[:, -1]
    assert radam["best"] == np.argmax(validated)
    assert np.mean(radam["test"], axis=1)[radam["best"]] > 0.8


def test_depths_share_one_figure(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.training.speed.measure", lambda *_: {})
    asked = []

    def train_all(task, name, runs, *, gradients):
        asked.append((task.model.blocks, name, runs.checkpoint))
        return trained(name, task.model.blocks / 10)

    monkeypatch.setattr("benchmarks.training.__main__.train_all", train_all)
    options = "--model residual --blocks 3,1 --optimizers sgd,adam --checkpoint kept"
    main([*options.split(), "--out", str(tmp_path)])
    assert asked == [
        (depth, name, Path(f"kept/blocks-{depth}"))
        for depth in (1, 3)
        for name in ("sgd", "adam")
    ]
    shown = capsys.readouterr().out
    assert "| optimizer | 1 blocks | 3 blocks |" in shown
    assert "| SGD | 10.0 ± 0.0 at 0.01 | 30.0 ± 0.0 at 0.01 |" in shown
    record = json.loads((tmp_path / "digits-residual.json").read_text())
    assert list(record["trained_by_blocks"]) == ["1", "3"]
    assert (tmp_path / "digits-residual-depths.png").exists()


def trained(name: str, accuracy: float) -> Trained:
    """Two rates and three seeds that all end at this accuracy."""
    epochs = np.full((2, 3, 4), accuracy)
    return Trained(
        name=name,
        label=ROSTER[name].label,
        rates=np.array([0.01, 0.1]),
        history={"loss": epochs, "validation_accuracy": epochs},
        test=epochs[..., -1],
        best=0,
        diverged=0,
        losses=epochs.reshape(3, -1),
        gradients=None,
    )


def test_table_says_how_little_the_rate_matters():
    accuracies = np.array([0.5, 0.84, 0.9, 0.86, 0.7, 0.88])[:, None]
    one = trained("adam", 0.9)._replace(
        rates=np.logspace(-5, 0, 6), test=accuracies, best=2, diverged=1
    )
    row = report.trained_table([one]).splitlines()[-1]
    assert row == "| Adam | 0.001 | 90.0 ± 0.0 | 0.001 to 0.01, 1.0 decades | 1 of 6 |"
    edge = report.trained_table([one._replace(best=5)]).splitlines()[-1]
    assert edge.startswith("| Adam | 1 (edge) | 88.0 ± 0.0 | 1 to 1, 0.0 decades |")


def test_table_says_why_a_step_costs_more():
    table = report.speed_table(
        {
            "adam": Speed(100.0, 1.0, 2_000_000, None),
            "ranger": Speed(50.0, 1.0, 2_000_000, 1.06),
            "adabelief": Speed(99.0, 1.0, 2_000_000, 0.9),
        }
    )
    assert [row.split(" | ")[-1] for row in table.splitlines()[2:]] == [
        "is Optax's |",
        "1.06 optax.radam: centralises, keeps slow weights besides |",
        "0.90 optax.adabelief |",
    ]


# What it trains


def test_training_is_the_plain_loop():
    task, train = tiny("radam")
    images, labels = (jnp.asarray(a) for a in (IMAGES / np.float32(255), LABELS[:, 0]))
    optimizer = radam(0.05)

    @jax.jit
    def step(state, params, batch):
        def loss(params):
            logits = task.model.apply(params, images[batch])
            one_hot = jax.nn.one_hot(labels[batch], 3)
            return -(one_hot * jax.nn.log_softmax(logits)).sum(-1).mean()

        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradient, state, params)
        return state, optax.apply_updates(params, updates), value

    key, shuffle = jax.random.split(KEY)
    params = task.init(key)
    state = optimizer.init(params)
    losses = []
    for epoch in jax.random.split(shuffle, 3):
        order = jax.random.permutation(epoch, 40)
        for batch in (order[:16], order[16:32]):
            state, params, value = step(state, params, batch)
            losses.append(float(value))
    found = jax.jit(train)(0.05, KEY)
    # Both round each step alike but for the order of sums.
    np.testing.assert_allclose(found["loss"].ravel(), losses, rtol=1e-5)
    guesses = task.model.apply(params, images).argmax(-1)
    assert found["test_accuracy"] == pytest.approx(float((guesses == labels).mean()))


def test_evaluation_counts_every_example_once(monkeypatch):
    task, _ = tiny("sgd")
    params = task.init(KEY)
    losses, right = task.scores(params, *task.data.test)
    monkeypatch.setattr(loop, "EVALUATED", 17)
    loss, accuracy = loop.evaluate(task, params, task.data.test)
    np.testing.assert_allclose(loss, losses.mean(), rtol=1e-6)
    np.testing.assert_allclose(accuracy, right.mean(), rtol=1e-6)


def test_histogram_counts_all_elements():
    gradient = {"w": jnp.array([[1e-3, -1e-3], [10.0, 0.0]]), "b": jnp.array([1e30])}
    shares = np.asarray(loop._histogram(gradient))
    edges = np.linspace(loop.LOWEST, loop.HIGHEST, loop.BINS + 1)
    # Zeros are counted in the lowest bin, what is too large in the highest.
    assert {i: round(float(shares[i]), 6) for i in np.flatnonzero(shares)} == {
        0: 0.2,
        int(np.searchsorted(edges, -3, side="right")) - 1: 0.4,
        int(np.searchsorted(edges, 1, side="right")) - 1: 0.2,
        loop.BINS - 1: 0.2,
    }


def test_two_gradients_of_heun_see_one_batch():
    task, _ = tiny("heun")
    params = task.init(KEY)
    batch = tuple(leaf[:16] for leaf in task.data.train)

    @jax.jit
    def gradient(params):
        return jax.grad(lambda p: task.scores(p, *batch)[0].mean())(params)

    first = gradient(params)
    second = gradient(jax.tree.map(lambda p, g: p - 0.1 * g, params, first))
    mean = jax.tree.map(lambda p, g, h: p - 0.05 * (g + h), params, first, second)
    optimizer = ROSTER["heun"](0.1)
    step = jax.jit(loop.step_of(task, optimizer, gradients=2))
    (_, found), _ = step((optimizer.init(params), params), *batch)
    chex.assert_trees_all_close(found, mean, atol=1e-6)


def test_slow_weights_are_evaluated():
    params = {"w": jnp.ones(2)}
    optimizer = optax.chain(adabelief(0.1), lookahead(2))
    state = optimizer.init(params)
    updates, state = optimizer.update(params, state, params)
    fast = optax.apply_updates(params, updates)
    assert weights(state, fast) == slow_params(state, fast)
    assert weights(optax.adam(0.1).init(params), fast) is fast


def test_warm_up_grows_in_a_line_then_stays():
    rates = [float(warmed(0.4, 4)(count)) for count in range(6)]
    np.testing.assert_allclose(rates, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4], rtol=1e-6)
    assert warmed(0.4, 0)(0) == np.float32(0.4)


def test_convolution_is_that_of_flax():
    images = jax.random.normal(KEY, (2, 7, 5, 3))
    for stride in (1, 2):
        module = Conv(4, stride)
        params = module.init(KEY, images)["params"]["Dense_0"]
        flax = {"kernel": params["kernel"].reshape(3, 3, 3, 4), "bias": params["bias"]}
        padding = [(1, 1), (1, 1)]
        expected = nn.Conv(4, (3, 3), stride, padding).apply({"params": flax}, images)
        own = module.apply({"params": {"Dense_0": params}}, images)
        np.testing.assert_allclose(own, expected, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_models_give_a_logit_for_each_class(name):
    images = name != "transformer"
    inputs = jnp.zeros((2, 5, 6, 1)) if images else jnp.zeros((2, 5), int)
    shape = jax.eval_shape(lambda: MODELS[name](7).init_with_output(KEY, inputs)[0])
    assert shape.shape == ((2, 7) if images else (2, 5, 7))


def test_sequences_are_to_be_reversed():
    for split in data.reverse()[3:]:
        np.testing.assert_array_equal(split.labels, split.inputs[:, ::-1])


def test_parts_of_a_data_set_share_no_example():
    digits = data.digits()
    assert [len(split.labels) for split in digits[3:]] == [1078, 359, 360]
    images = [image.tobytes() for split in digits[3:] for image in np.array(split[0])]
    assert len(set(images)) == 1797


def test_what_is_nearest_is_in_the_roster():
    assert NEAREST.keys() <= ROSTER.keys()
    for name, nearest in NEAREST.items():
        assert nearest.name.startswith("optax."), name
        assert nearest.factory is getattr(optax, nearest.name.removeprefix("optax."))


def test_results_show_all_their_figures_and_are_small():
    results = Path(__file__).parents[1] / "benchmarks" / "results"
    shown = re.findall(
        r"]\((training/.*?\.png)\)", (results / "training.md").read_text()
    )
    there = {path.relative_to(results).as_posix() for path in results.rglob("*.png")}
    assert sorted(shown) == sorted(name for name in there if "training/" in name)
    assert sum((results / name).stat().st_size for name in shown) < 2e6


# What it takes


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("0.1,0.01", [0.01, 0.1]),
        ("1e-3:1:4:log", [1e-3, 1e-2, 1e-1, 1]),
        ("best", arguments.BEST),
    ],
)
def test_learning_rates(text, rates):
    np.testing.assert_allclose(arguments._rates(text), rates)


@pytest.mark.parametrize("grey", [False, True], ids=["colour", "grey"])
def test_files_of_keras(grey, tmp_path):
    images = IMAGES[..., 0] if grey else IMAGES
    path = written(tmp_path, x_train=images, x_test=images[:5], y_test=LABELS[:5, 0])
    found = data.load(str(path))
    assert (found.name, found.classes, found.scale) == ("images", 3, 255)
    assert [len(split.labels) for split in found[3:]] == [36, 4, 5]
    assert found.train.inputs.dtype == np.uint8
    assert found.test.inputs.shape == (5, 6, 7, 1 if grey else 3)
    assert float(found.decode(found.train.inputs).max()) <= 1


BAD_FILES = {
    "without an array": ({"y_test": None}, "there is no y_test"),
    "pickled": ({"x_train": np.array([{}], object)}, "without pickle"),
    "NaN": ({"x_test": np.full((40, 6, 7), math.nan)}, "x_test must be finite"),
    "text": ({"x_train": np.full((40, 6, 7), "a")}, "x_train must hold numbers"),
    "rows": ({"x_train": IMAGES.reshape(40, -1)}, "got [40, 126]"),
    "five channels": ({"x_test": np.zeros((40, 6, 7, 5))}, "1 or 3 channels"),
    "other sides": ({"x_test": IMAGES[:, :5]}, "must have one shape"),
    "empty": ({"x_test": IMAGES[:0], "y_test": LABELS[:0]}, "x_test must be of shape"),
    "black": ({"x_train": IMAGES * 0}, "x_train must not be black"),
    "fewer labels": ({"y_train": LABELS[:39]}, "one label for each of 40 images"),
    "fractions": ({"y_train": LABELS + 0.5}, "y_train whole numbers"),
    "negative": ({"y_test": LABELS.astype(int) - 1}, "got -1 to 1"),
    "out of range": ({"y_test": LABELS + 1}, "0 to 2, got 1 to 3"),
    "a gap": ({"y_train": LABELS * 2}, "without a gap"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_refused(changes, message, tmp_path, capsys):
    path = written(tmp_path, **changes)
    refused(["--dataset", str(path)], message, tmp_path, capsys)


def test_what_is_no_archive_is_refused(tmp_path, capsys):
    (tmp_path / "images.npz").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "one.npy").write_bytes((tmp_path / "images.npz").read_bytes())
    np.save(tmp_path / "one.npy", IMAGES)
    for name in ("images.npz", "one.npy"):
        path = str(tmp_path / name)
        refused(["--dataset", path], "must be an .npz file", tmp_path, capsys)


BAD_OPTIONS = {
    "no file": ("--dataset none.npz", "digits, reverse or a file, got none.npz"),
    "model": ("--model cnm", "did you mean 'cnn'"),
    "optimizer": ("--optimizers sgd,addam", "did you mean 'adam'"),
    "rates": ("--learning-rates 0.1:0.01:3:log", "must rise"),
    "rate": ("--learning-rates 0.1,-1", "must be best or numbers above 0"),
    "grid": ("--learning-rates 0.1:1:3", "must be low:high:count:log"),
    "mixed": ("--learning-rates 0.1,best", "'best' must be best or numbers"),
    "seeds": ("--seeds 0", "must be a whole number"),
    "batch": ("--batch 1079", "--batch must be at most 1078"),
    "images": ("--dataset reverse", "cannot read sequences"),
    "sequences": ("--model transformer", "cannot read images"),
    "no blocks": ("--blocks 8", "--blocks is for residual"),
    "depths": ("--model residual --blocks 1,2 --gradients 9", "must be one depth"),
    "no radam": ("--optimizers adam --warmups 1", "--warmups compares with radam"),
    "long warm-up": ("--warmups 1,21", "at most 20"),
    "no warm-up": ("--warmups -1", "from 0 on"),
    "gradients": ("--epochs 1 --gradients 17", "at most 16, all steps"),
}


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options_are_refused(options, message, tmp_path, capsys):
    refused(options.split(), message, tmp_path, capsys)


def test_a_checkpoint_of_another_run_is_refused(tmp_path, capsys):
    kept = tmp_path / "kept" / "sgd"
    kept.mkdir(parents=True)
    (kept / "sweep.json").write_text("{}")
    options = "--model mlp --optimizers sgd --learning-rates 0.1 --rounds 1"
    checkpoint = ["--checkpoint", str(tmp_path / "kept")]
    refused([*options.split(), *checkpoint], "checkpoint must be", tmp_path, capsys)
    assert (kept / "sweep.json").read_text() == "{}"


def refused(options, message, tmp_path, capsys):
    """One line, exit code 2, and what was there before is there still."""
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    (out / "digits-cnn.json").write_text("before")
    with pytest.raises(SystemExit) as error:
        main([*options, "--out", str(out)])
    assert error.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith("training: ")
    assert line.count("\n") == 1
    assert message in line
    assert [path.name for path in out.iterdir()] == ["digits-cnn.json"]
    assert (out / "digits-cnn.json").read_text() == "before"
