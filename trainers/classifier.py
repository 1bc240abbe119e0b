"""The reference classifier: one small network for each data set, equal for all trials."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from torch import Tensor, nn

from trainers import datasets
from trainers.batches import Batches
from trainers.datasets import Dataset, Splits
from trainers.errors import Incompatible
from trainers.fields import describe_fields, substitute
from trainers.networks import flat_size, image_shape
from trainers.noise import Streams, stream_seed
from trainers.optim import Adam
from trainers.registry import name_of
from trainers.threads import one_thread

__all__ = [
    "STEPS",
    "Classifier",
    "Seen",
    "classifier_of",
    "reference_classifier",
    "require_labels",
]

Seen = Callable[[Tensor, Streams], Tensor]

STEPS = 3000
VERSION = 1
BATCH = 100
RATE, EPS = 1e-3, 1e-8
SEED = 0
CHUNK = 500
SMALLEST = 4
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    `accuracy` is the share of correct predictions on the `tested` clean test examples.
    """

    network: nn.Module
    accuracy: float
    tested: int

    @torch.no_grad()
    def predict(self, x: Float[Tensor, "batch dims"]) -> Int[Tensor, " batch"]:
        """The most likely class of each example, on the device of `x`."""
        network = self.network.to(x.device)
        return torch.cat([network(part.float()).argmax(-1) for part in torch.split(x, CHUNK)])


def reference_classifier(
    data: Dataset, steps: int = STEPS, cache: Path | None = None
) -> Classifier:
    """The classifier of a data set, trained on its clean training part at the first call.

    It is trained on the whole part, also if `limit` or `validation` leave a model less of it, so
    that all trials on a data set are measured by the same classifier.

    Two 3x3 convolutions (16 and 32 channels, each with 2x2 pooling) and a hidden layer of 128,
    or two hidden layers of 128 for vectors; Adam at rate 1e-3 with batches of 100, on one CPU
    thread with a fixed seed; the result is the mean of the weights over the last third of the
    steps.

    With `cache`, a folder, it is stored there as ``<checksum of the data>-<steps>.safetensors``
    beside a ``.json`` with the file's SHA-256 and the accuracy; if these do not match, it is
    trained again. Workers that find no file train one each, which takes no longer than waiting.

    Raises `Incompatible` as `require_labels` does.
    """
    require_labels(data)
    return _reference(_whole(data), steps, cache)


def classifier_of(data: Dataset, steps: int, seen: Seen) -> Classifier:
    """A classifier trained like the reference classifier, on what `seen` makes of clean examples.

    `seen` takes a batch in data units and the streams for its noise; `accuracy` is on what it
    makes of the test examples. Raises `Incompatible` as `require_labels` does.
    """
    require_labels(data)
    whole = _whole(data)
    return _train(whole, _fresh(whole), steps, seen)


def require_labels(data: Dataset) -> None:
    """Raise `Incompatible` if no classifier can be trained and tested on the data's labels.

    That is so without labels, with a single class, and if no class of the test part has a
    training example. Counts are of the whole training part (see `reference_classifier`).
    """
    if not (why := _no_classes(datasets.load(data))):
        return
    whole = _whole(data)
    if whole != data and not (why := _no_classes(datasets.load(whole))):
        return
    raise Incompatible(
        f"the data set {name_of(data)!r} {why} to train a reference classifier on; evaluate "
        "'denoising', which needs none"
    )


def _no_classes(splits: Splits) -> str:
    """Why no classifier can be trained on the labels; empty if one can."""
    remarks = f" ({'; '.join(splits.remarks)})" if splits.remarks else ""
    train, test = splits.train.labels, splits.test.labels
    if train is None or test is None:
        return f"has no labels{remarks}"
    trained, tested = set(train.tolist()), set(test.tolist())
    if len(trained) < 2:
        return f"has one class, and no labels to tell apart{remarks},"
    if not trained & tested:
        return f"has no class in both its training and its test part{remarks}, so no labels"
    return ""


def _whole(data: Dataset) -> Dataset:
    """The data set with all training examples: without `limit`, `validation` and `split_seed`."""
    fields = {field.name for field in describe_fields(type(data))}
    whole = {"limit": 0, "validation": 0, "split_seed": None}
    return substitute(data, {name: value for name, value in whole.items() if name in fields})


@functools.lru_cache(maxsize=4)
def _reference(data: Dataset, steps: int, cache: Path | None) -> Classifier:
    network = _fresh(data)
    file = cache / f"{data.checksum()}-{steps}-v{VERSION}.safetensors" if cache else None
    known = _read(file, network) if file else None
    if known is None:
        known = _train(data, network, steps, lambda x, streams: x)
        if file:
            _write(file, known)
    return known


def _fresh(data: Dataset) -> nn.Module:
    labels = datasets.load(data).train.labels
    assert labels is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(SEED, "init", 0))
        return _build(data.shape, int(labels.max()) + 1)


def _build(shape: tuple[int, ...], classes: int) -> nn.Module:
    channels, rows, columns = image_shape(shape)
    if min(rows, columns) < SMALLEST:
        return nn.Sequential(
            nn.Linear(flat_size(shape), 128),
            nn.ReLU(),
            nn.Linear(128, 128),
            nn.ReLU(),
            nn.Linear(128, classes),
        )
    features = 32 * (rows // 4) * (columns // 4)
    return nn.Sequential(
        nn.Unflatten(-1, (channels, rows, columns)),
        nn.Conv2d(channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(features, 128),
        nn.ReLU(),
        nn.Linear(128, classes),
    )


def _train(data: Dataset, network: nn.Module, steps: int, seen: Seen) -> Classifier:
    splits = datasets.load(data)
    batches, labels = Batches(splits, torch.float32, CPU), splits.train.labels
    assert labels is not None
    params = dict(network.named_parameters())
    values = [value.detach() for value in params.values()]
    means = [torch.zeros_like(value) for value in values]
    adam = Adam(params, torch.tensor(RATE), torch.tensor(EPS))
    first = steps - max(1, steps // 3)
    with one_thread(CPU), torch.enable_grad():
        for step, (rows, streams) in enumerate(_rows(len(batches), steps)):
            with torch.no_grad():
                shown = seen(batches.train(rows, [streams]), streams)
            logits = network(shown)
            loss = nn.functional.cross_entropy(logits, labels[rows])
            adam.step(torch.autograd.grad(loss, list(params.values())))
            if step >= first:
                torch._foreach_lerp_(means, values, 1 / (step - first + 1))
        torch._foreach_copy_(values, means)
        return _tested(network.requires_grad_(False), splits, seen)


def _rows(examples: int, steps: int) -> Iterator[tuple[Tensor, Streams]]:
    """The examples of each step, and the streams of its epoch."""
    batch = min(BATCH, examples)
    per_epoch = examples // batch
    for step in range(steps):
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            streams = Streams(SEED, epoch)
            order = streams.order(examples)
        yield order[place * batch : (place + 1) * batch], streams


@torch.no_grad()
def _tested(network: nn.Module, splits: Splits, seen: Seen) -> Classifier:
    classifier, labels = Classifier(network, 0.0, len(splits.test)), splits.test.labels
    assert labels is not None
    streams = Streams(SEED, -1)
    found = torch.cat(
        [
            classifier.predict(seen(raw.float() / splits.scale, streams))
            for raw in torch.split(splits.test.x, CHUNK)
        ]
    )
    return replace(classifier, accuracy=float((found == labels).double().mean()))


def _write(file: Path, classifier: Classifier) -> None:
    """Write the weights, then the JSON file with their checksum, each atomically."""
    content = safetensors.torch.save(dict(classifier.network.state_dict()))
    about = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "accuracy": classifier.accuracy,
        "tested": classifier.tested,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    for path, written in (
        (file, content),
        (file.with_suffix(".json"), json.dumps(about, indent=1).encode()),
    ):
        staged = path.with_name(f".{path.name}.{os.getpid()}")
        staged.write_bytes(written)
        staged.replace(path)


def _read(file: Path, network: nn.Module) -> Classifier | None:
    """The cached classifier; None if there is none or its checksum does not match."""
    try:
        about, content = json.loads(file.with_suffix(".json").read_bytes()), file.read_bytes()
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            return None
        network.load_state_dict(safetensors.torch.load(content))
        return Classifier(
            network.requires_grad_(False), float(about["accuracy"]), int(about["tested"])
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError):
        return None
