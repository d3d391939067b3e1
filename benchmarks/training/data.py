"""What networks are trained on: digits, sequences to reverse, images from a file."""

import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
CHANNELS = (1, 3)  # grey, colour

Array = NDArray[Any]


class Split(NamedTuple):
    """Examples with the same first axis.

    Attributes:
      inputs: images `[count, height, width, channels]` or tokens `[count, length]`.
      labels: classes `[count]`, or one a token `[count, length]`.
    """

    inputs: jax.Array
    labels: jax.Array


class Dataset(NamedTuple):
    """Examples to learn from, to choose a learning rate by, and to report.

    Attributes:
      name: what files and titles call it.
      classes: labels are from 0 to classes - 1.
      scale: of images, the value that counts as 1; None for sequences.
      train: what networks learn from.
      validation: what learning rates are chosen by.
      test: what is reported.
    """

    name: str
    classes: int
    scale: float | None
    train: Split
    validation: Split
    test: Split

    def decode(self, inputs: jax.Array) -> jax.Array:
        """What a model sees: images are stored as in their file, often in bytes."""
        return inputs if self.scale is None else inputs.astype(jnp.float32) / self.scale


def load(name: str) -> Dataset:
    """The data set of this name, or the file.

    Raises:
      ValueError: if there is no such file, or it is no data set.
      OSError: if it cannot be read.
    """
    built_in = {"digits": digits, "reverse": reverse}
    if name in built_in:
        return built_in[name]()
    if not Path(name).is_file():
        raise ValueError(
            f"--dataset must be {', '.join(built_in)} or a file, got {name}"
        )
    return from_file(Path(name))


def digits() -> Dataset:
    """scikit-learn's 1797 digits of 8 x 8 pixels: 60, 20 and 20 % of them."""
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype(np.uint8)
    ends = [len(images) * share // 5 for share in (3, 4)]
    train, validation, test = _shuffled(images, labels, ends)
    return Dataset("digits", 10, 16.0, train, validation, test)


def reverse(length: int = 10, classes: int = 10, count: int = 5120) -> Dataset:
    """Random sequences, to be written backwards."""
    tokens = np.random.default_rng(0).integers(0, classes, (count, length))
    ends = [count * share // 10 for share in (8, 9)]
    train, validation, test = _shuffled(tokens, tokens[:, ::-1], ends)
    return Dataset("reverse", classes, None, train, validation, test)


def from_file(path: Path) -> Dataset:
    """Images in Keras's format; a tenth of the training images is for validation."""
    arrays = _read(path)
    for part in ("train", "test"):
        _check_pair(path, part, arrays[f"x_{part}"], arrays[f"y_{part}"])
    x_train, y_train, x_test, y_test = (
        _images(array) if name.startswith("x") else array.reshape(-1).astype(int)
        for name, array in arrays.items()
    )
    if x_train.shape[1:] != x_test.shape[1:]:
        raise ValueError(
            f"{path}: images of x_train and x_test must have one shape, "
            f"got {x_train.shape[1:]} and {x_test.shape[1:]}"
        )
    classes = int(y_train.max()) + 1
    _check_labels(path, y_train, y_test, classes)
    scale = float(np.abs(x_train).max())
    if scale == 0:
        raise ValueError(f"{path}: x_train must not be black, got zeros alone")
    train, validation = _shuffled(x_train, y_train, [len(x_train) * 9 // 10])
    (test,) = _shuffled(x_test, y_test, [])
    return Dataset(path.stem, classes, scale, train, validation, test)


def _shuffled(inputs: Array, labels: Array, ends: list[int]) -> list[Split]:
    """Always in the same order, cut at the ends."""
    order = np.random.default_rng(0).permutation(len(inputs))
    return [
        Split(jnp.asarray(inputs[part]), jnp.asarray(labels[part].astype(np.int32)))
        for part in np.split(order, ends)
    ]


def _read(path: Path) -> dict[str, Array]:
    """The four arrays; a file with pickled objects in it is refused."""
    try:
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            if isinstance(arrays, np.ndarray):
                raise ValueError("it holds one array without a name")
            missing = [name for name in ARRAYS if name not in arrays]
            if missing:
                raise ValueError(f"there is no {', '.join(missing)}")
            return {name: arrays[name] for name in ARRAYS}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: must be an .npz file of {', '.join(ARRAYS)}, read without "
            f"pickle ({error})"
        ) from error


def _images(array: Array) -> Array:
    return array if array.ndim == 4 else array[..., None]


def _check_pair(path: Path, part: str, images: Array, labels: Array) -> None:
    """What one array of images and its labels must be."""
    x, y, shape = f"x_{part}", f"y_{part}", images.shape
    if images.dtype.kind not in "uif" or labels.dtype.kind not in "ui":
        raise ValueError(
            f"{path}: {x} must hold numbers and {y} whole numbers, "
            f"got {images.dtype} and {labels.dtype}"
        )
    known = len(shape) == 3 or (len(shape) == 4 and shape[3] in CHANNELS)
    if not known or 0 in shape:
        raise ValueError(
            f"{path}: {x} must be of shape [count, height, width], or that and "
            f"1 or 3 channels, got {list(shape)}"
        )
    if labels.shape not in ((len(images),), (len(images), 1)):
        raise ValueError(
            f"{path}: {y} must have one label for each of {len(images)} images, "
            f"got shape {list(labels.shape)}"
        )
    if not np.isfinite(images).all():
        raise ValueError(f"{path}: {x} must be finite, got NaN or infinity")


def _check_labels(path: Path, y_train: Array, y_test: Array, classes: int) -> None:
    if set(np.unique(y_train)) != set(range(classes)):
        raise ValueError(
            f"{path}: labels of y_train must be 0, 1, 2 and so on without a gap, "
            f"got {len(np.unique(y_train))} from {y_train.min()} to {y_train.max()}"
        )
    if y_test.min() < 0 or y_test.max() >= classes:
        raise ValueError(
            f"{path}: labels of y_test must be among those of y_train, 0 to "
            f"{classes - 1}, got {y_test.min()} to {y_test.max()}"
        )
