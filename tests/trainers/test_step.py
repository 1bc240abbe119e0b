"""A step is traced once: what is replayed is what was written, to the last bit."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.shapes import unchecked
from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Training, Trial, batches, datasets, step
from trainers.batches import Batches
from trainers.conformance.examples import combinations, label, with_other_numbers
from trainers.errors import Incompatible
from trainers.noise import Draw, Streams, stack_draws
from trainers.optim import Adam
from trainers.program import Program
from trainers.registry import name_of
from trainers.step import Steps
from trainers.threads import one_thread
from trainers.tracing import record

SHORT = Training(epochs=1, batch_size=128, test_every=2)
LARGE = mlp_sigma_vae(0.1)
LARGE = replace(LARGE, network=replace(LARGE.network, hidden=(300,), decoder_hidden=(300,)))
TRIALS = [replace(trial, training=SHORT) for trial in (*combinations(), LARGE)]
every_program = pytest.mark.parametrize(
    ("trial", "size"),
    [(trial, size) for trial in TRIALS for size in (1, 3)],
    ids=[f"{label(trial)}-{size}" for trial in TRIALS for size in (1, 3)],
)


@pytest.fixture(autouse=True)
def as_packs_compute() -> Iterator[None]:
    """On one thread: more are slow beside other processes. The conformance tests check shapes."""
    with one_thread(torch.device("cpu")), unchecked():
        yield


class Packed:
    """A pack's tensors, written down once more: with a pack axis for more than one member."""

    def __init__(self, trials: list[Trial]) -> None:
        first, self.trials = trials[0], trials
        with torch.device("meta"):
            parts = dict(first.build_modules().items())
        self.program = Program(first, parts, len(trials) > 1)
        dtype = first.training.dtype
        cpu = torch.device("cpu")
        self.batches = Batches(datasets.load(first.data), dtype, cpu)
        weights = [Pack([trial]).weights(0) for trial in trials]
        self.params = {
            name.removeprefix("param/"): self.stack([own[name] for own in weights])
            for name in weights[0]
        }
        numbers = [trial.hyperparameters() for trial in trials]
        self.hyper = {
            name: self.stack([torch.tensor(own[name], dtype=torch.float64) for own in numbers])
            for name in numbers[0]
        }
        self.rates = self.hyper["training.lr"], self.hyper["training.eps"]
        self.adam = Adam(self.params, *self.rates)
        statistics = first.statistics(cpu, dtype).items()
        self.hyper = {name: value.to(dtype) for name, value in self.hyper.items()} | {
            name: self.stack([value] * len(trials)) for name, value in statistics
        }
        self.steps = Steps(self.program, self.batches, self.params, self.hyper, self.adam)

    def stack(self, values: list[Tensor]) -> Tensor:
        return torch.stack(values) if self.program.packed else values[0].clone()

    def eager_epoch(self) -> dict[str, Tensor]:
        """An epoch by autograd and vmap, noise drawn step by step; the mean of each metric."""
        streams = [Streams(trial.seed, 0) for trial in self.trials]
        order = self.stack([one.order(len(self.batches)) for one in streams])
        batch, sums = self.program.training.batch_size, dict[str, Tensor]()
        steps = len(self.batches) // batch
        for start in range(0, steps * batch, batch):
            x = self.batches.train(order[..., start : start + batch], streams)
            noise = stack_draws(streams, self.program.draws(batch), x.dtype)
            leaves = {name: value.requires_grad_() for name, value in self.params.items()}
            with self.program.kernels(x.device):
                loss, metrics = self.program.loss(leaves, self.hyper, x, noise)
                grads = torch.autograd.grad(loss.sum(), list(leaves.values()))
            self.adam.step(grads)
            sums = {name: sums.get(name, 0) + value.detach() for name, value in metrics.items()}
        return {name: value / steps for name, value in sums.items()}


def members(trial: Trial, size: int) -> list[Trial]:
    """Trials of one program that differ in all numbers that may differ."""
    trials = [trial]
    while len(trials) < size:
        trials.append(with_other_numbers(trials[-1]))
    return trials


@every_program
def test_an_epoch_of_replayed_steps_equals_an_eager_one_to_the_last_bit(
    trial: Trial, size: int
) -> None:
    """Eleven steps: more than are filled in at once."""
    traced, eager = Packed(members(trial, size)), Packed(members(trial, size))
    before = {name: value.clone() for name, value in traced.params.items()}
    found = traced.steps.epoch([Streams(one.seed, 0) for one in traced.trials])
    expected = eager.eager_epoch()
    assert list(found) == list(expected)
    assert [name for name in found if not torch.equal(found[name], expected[name])] == []
    moved = {name for name, value in eager.params.items() if not torch.equal(value, before[name])}
    assert moved
    after = traced.params.items()
    assert [name for name, value in after if not torch.equal(value, eager.params[name])] == []


@every_program
def test_a_graph_holds_no_tensor_and_moves_none(trial: Trial, size: int) -> None:
    """No constant in it, no number read, no shape that depends on values, no other device."""
    nodes = list(Packed(members(trial, size)).steps.trace().graph.graph.nodes)
    assert {node.op for node in nodes} == {"placeholder", "call_function", "output"}
    calls = [node for node in nodes if node.op == "call_function"]
    assert len(calls) > 20
    kept = {torch.Tag.data_dependent_output, torch.Tag.nondeterministic_seeded}
    assert [node for node in calls if kept & set(getattr(node.target, "tags", ()))] == []
    assert [node for node in calls if node.target is torch.ops.aten.nonzero.default] == []
    devices = [node.kwargs.get("device") for node in calls]
    assert set(devices) <= {None, torch.device("cpu")}


@pytest.mark.parametrize("trial", TRIALS, ids=label)
def test_a_member_gets_the_noise_and_the_examples_that_it_gets_alone(trial: Trial) -> None:
    """To the last bit, whatever its place in the pack: what a step reads from its buffers."""
    trials = members(trial, 3)
    pack, alone = Packed(trials), Packed(trials[2:])
    for packed in (pack, alone):
        packed.steps.epoch([Streams(one.seed, 0) for one in packed.trials], most=8)
    buffers = [packed.steps._noise | {"rows": packed.steps._rows} for packed in (pack, alone)]
    assert len(buffers[0]) > 1
    own = {name: torch.equal(value[2], buffers[1][name][0]) for name, value in buffers[0].items()}
    others = {name: torch.equal(value[2], value[1]) for name, value in buffers[0].items()}
    assert set(own.values()) == {True}
    assert set(others.values()) == {False}


class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operators that are called, without views, which compute nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.count += not func.is_view
        return func(*args, **kwargs or {})


# Of one member, and of a pack of three, whatever the likelihood and the corruption.
BUDGETS = {
    ("deen", "conv_energy"): (120, 140),
    ("deen", "quadratic"): (55, 60),
    ("elbo", "conv"): (120, 165),
    ("elbo", "gru"): (250, 295),
    ("elbo", "linear"): (80, 90),
    ("elbo", "mlp"): (130, 155),
    ("iwae", "conv"): (125, 170),
    ("iwae", "gru"): (255, 300),
    ("iwae", "linear"): (85, 100),
    ("iwae", "mlp"): (135, 165),
    ("uvb", "conv"): (345, 400),
    ("uvb", "gru"): (580, 625),
    ("uvb", "linear"): (105, 120),
    ("uvb", "mlp"): (190, 220),
}


@every_program
def test_a_step_calls_no_more_operators_than_its_budget(trial: Trial, size: int) -> None:
    """Each call costs some microseconds of the host, and on a GPU one kernel of the graph."""
    budget = BUDGETS[name_of(trial.objective), name_of(trial.network)][size > 1]
    pack = Packed(members(trial, size))
    graph = pack.steps.trace().graph
    with Calls() as calls:
        pack.steps.take(graph)
    assert 0.65 * budget < calls.count <= budget


def test_on_a_gpu_a_step_is_warmed_up_beside_and_then_captured_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a stand-in for CUDA's graph: nothing runs at capture, and each replay is a step."""
    trials = members(mlp_sigma_vae(0.1, training=SHORT), 2)
    there, here = Packed(trials), Packed(trials)
    there.batches.device = torch.device("cuda")
    how = list[str]()

    def beside(take: Callable[[], None]) -> None:
        how.append("beside")
        take()

    def captured(take: Callable[[], None]) -> Callable[[], None]:
        how.append("captured")
        return lambda: (how.append("replayed"), take())[1]

    monkeypatch.setattr(step, "on_side_stream", beside)
    monkeypatch.setattr(step, "captured", captured)
    found, expected = (
        packed.steps.epoch([Streams(one.seed, 0) for one in trials]) for packed in (there, here)
    )
    assert how == [*["beside"] * 3, "captured", *["replayed"] * 8], "eleven steps"
    assert {name: value.tolist() for name, value in found.items()} == {
        name: value.tolist() for name, value in expected.items()
    }
    after = there.params.items()
    assert [name for name, value in after if not torch.equal(value, here.params[name])] == []


def test_other_numbers_replay_the_same_graph_and_other_shapes_another() -> None:
    trial = mlp_sigma_vae(0.1)
    graphs = [
        Packed([one]).steps.trace()
        for one in (trial, with_other_numbers(trial), replace(trial, training=SHORT))
    ]
    assert graphs[0] is graphs[1]
    assert graphs[0] is not graphs[2]


def test_parameters_in_another_order_do_not_take_each_others_place() -> None:
    """As a state that was read from a file has them; mean and log-variance have equal shapes."""
    trial = mlp_sigma_vae(0.1, training=SHORT)
    built, read = Packed([trial]), Packed([trial])
    read.params = dict(sorted(read.params.items()))
    read.adam = Adam(read.params, *read.rates)
    read.steps = Steps(read.program, read.batches, read.params, read.hyper, read.adam)
    found = [one.steps.epoch([Streams(trial.seed, 0)]) for one in (built, read)]
    eager = Packed([trial]).eager_epoch()
    assert list(read.params) != list(built.params)
    assert [torch.equal(one["kl"], eager["kl"]) for one in found] == [True, True]


def test_data_that_are_too_large_for_the_device_are_brought_there_as_they_are_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials = members(mlp_sigma_vae(0.1, training=SHORT), 2)
    whole = Packed(trials)
    monkeypatch.setattr(batches, "fits", lambda x, device: False)
    parts = Packed(trials)
    streams = [[Streams(one.seed, 0) for one in trials] for _ in range(2)]
    found = parts.steps.epoch(streams[0]), whole.steps.epoch(streams[1])
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[1])
    assert "test/elbo" in Pack(trials).run_epoch()[0].metrics


def derivative(x: Tensor) -> Tensor:
    """Of a function whose derivative reads numbers, which autograd calls."""
    y = x.detach().requires_grad_()
    z = y * 2
    z.register_hook(lambda g: g * z.detach().tolist()[0])
    with torch.enable_grad():
        return torch.autograd.grad(z.sum(), [y])[0]


def written(x: Tensor) -> Tensor:
    """A constant, of which a part is written."""
    constant = torch.zeros(3)
    constant[:2].copy_(x[:2])
    return constant


@pytest.mark.parametrize(
    ("function", "does"),
    [
        (lambda x: [x * float(x.sum())], "reads a number"),
        (lambda x: [x if x.sum() > 0 else -x], "reads a number"),
        (lambda x: [copy.deepcopy(x)], "copies the memory of a tensor"),
        (lambda x: [x * x.tolist()[0]], "reads the numbers of a tensor"),
        (lambda x: [x * (x + 1).numpy().max()], "reads the numbers of a tensor"),
        (lambda x: [torch.func.grad(lambda y: y.sum() * y.tolist()[0])(x)], "reads the numbers"),
        (lambda x: [x * torch.tensor([x.mean(), 1.0])[0]], "reads the numbers of a tensor"),
        (lambda x: [x * x.new_tensor([[x[0]], [x[1]]]).sum()], "reads the numbers of a tensor"),
        (lambda x: [x.clone().apply_(math.sin)], "reads the numbers of a tensor"),
        (lambda x: [derivative(x)], "reads the numbers of a tensor"),
        (lambda x: [x * written(x).tolist()[0]], "reads the numbers of a tensor"),
        (lambda x: [x * np.asarray(x).max()], "reads the numbers of a tensor"),
        (lambda x: [x[x.nonzero()]], "shape"),
        (lambda x: [x[x > 0].mean()], "shape"),
        (lambda x: [x + torch.randn(3)], "random numbers"),
    ],
)
def test_what_cannot_be_repeated_is_refused(function: Any, does: str) -> None:
    with pytest.raises(Incompatible, match=does):
        record(function, [torch.ones(3)])


def test_a_graph_repeats_changes_in_place_views_and_constants() -> None:
    kept = torch.tensor([1.0, 2.0, 3.0])

    def function(x: Tensor, total: Tensor) -> list[Tensor]:
        first, _ = torch.split(x, 3)
        constant = sum(torch.linspace(0, 1, 2).tolist()) * kept.tolist()[0]
        total += first * kept * x.new_tensor([constant, constant]).mean()
        return [total.clone(), torch.func.vmap(torch.sin)(x.reshape(2, 3))]

    graph = record(function, [torch.zeros(6), torch.zeros(3)])
    x, total = torch.arange(6.0), torch.ones(3)
    found = graph(x, total)
    assert torch.equal(total, 1 + x[:3] * kept)
    assert torch.equal(found[0], total)
    assert torch.equal(found[1], x.reshape(2, 3).sin())


def test_what_is_recorded_takes_no_more_memory_than_what_is_called() -> None:
    """A tensor is freed with its last use, and a new one in its place is no old one."""

    def function(x: Tensor) -> list[Tensor]:
        for _ in range(9):
            last, x = weakref.ref(x), x.sin()
        assert last() is None
        return [x]

    graph = record(function, [torch.ones(3)])
    expected = torch.zeros(3)
    for _ in range(9):
        expected = expected.sin()
    assert torch.equal(graph(torch.zeros(3))[0], expected)
    assert len(graph.graph.nodes) == 1 + 9 + 1


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_steps_filled_at_once_have_the_numbers_of_one_after_the_other(kind: Any) -> None:
    draw = Draw("latent", (5, 7), kind)
    together, streams = torch.empty(4, 5, 7), Streams(3, 1)
    Streams(3, 1).fill(draw, together)
    assert torch.equal(together, torch.stack([streams.draw(draw, torch.float32) for _ in "1234"]))


def test_training_imports_no_compiler() -> None:
    """It would cost every worker seconds."""
    code = (
        "import sys, tests.trainers.models as m, trainers\n"
        "from dataclasses import replace\n"
        "trial = m.mlp_sigma_vae(0.1)\n"
        "trial = replace(trial, network=replace(trial.network, nonlinearity='softplus'))\n"
        "trainers.Pack([trial] * 2).run_epoch()\n"
        "print({'torch._dynamo', 'torch._inductor', 'sympy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "set()", done.stderr
