"""A pack: trials that differ in numbers only, trained as one program."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from trainers import datasets
from trainers.arithmetic import arithmetic_of
from trainers.batches import Batches, HeldOut
from trainers.errors import Incompatible
from trainers.host_copy import copied_at_once, host_copies
from trainers.noise import Streams, stack_draws, stream_seed
from trainers.objectives import Metrics
from trainers.optim import Adam
from trainers.program import Program, Way, pack_key
from trainers.record import Record
from trainers.step import Steps
from trainers.trial import Bound, Trial

__all__ = ["Pack"]

State = dict[str, Tensor]
KINDS = "param", "first", "second"
OF_EXAMPLES = ("kl", "recon")
LEFT = 0.25
NOISE_OF: dict[HeldOut, int] = {"test": 0, "validation": -1}


class Pack:
    """Trains P trials at once; P = 1 is the same code without vmap.

    Member i is ``trials[i]`` for the whole life of the pack. Its result depends on its own trial
    alone: noise comes from per-trial streams, and a member that diverges is left out from then
    on (`failed` says why) without a trace in the others.

    Parameters
    ----------
    trials : trials that share everything but seed and the fields marked `PerMember`.
    device : where to train.
    packed : whether a member that is alone, or is left alone, is computed as a pack is. Packs
        agree to the last bit on a CPU whatever their size, and a trial by itself differs in
        rounding. None: where there is more than one to begin with.
    way : how a pack's convolutions are computed; results differ in rounding.

    Raises
    ------
    Incompatible : the trials are not one program. DataError : the data cannot be read.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        device: str = "cpu",
        packed: bool | None = None,
        way: Way = "grouped",
    ) -> None:
        if any(pack_key(trial) != pack_key(trials[0]) for trial in trials[1:]):
            raise Incompatible(
                "the trials of a pack may differ in seed and per-member numbers "
                "(σ, α, β, rates) only"
            )
        self.trials = tuple(trials)
        self.device = torch.device(device)
        self.packed, self._way = len(trials) > 1 or bool(packed), way
        self.live = list(range(len(trials)))
        self.failed: dict[int, str] = {}
        self.epoch = 0
        self._training = trials[0].training
        self._batches = Batches(datasets.load(trials[0].data), self._training.dtype, self.device)
        with torch.device("meta"):
            self._parts = dict(trials[0].build_modules().items())
        self._keeps_bits, self._rows = self.device.type == "cpu", self.live
        self._place([self._fresh(trial) for trial in trials])

    def _fewest_rows(self) -> list[int]:
        """The live members in the order of the pack axis, which there is where trials are packed.

        On a CPU a member that is left alone is trained beside a copy of itself: products and
        convolutions of a single row may be rounded otherwise than those of several (a ConvNet's
        are). On a GPU no last bits are promised, and it is trained once.
        """
        copied = self.packed and self._keeps_bits and len(self.live) == 1
        return self.live * 2 if copied else self.live

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in the training data."""
        return max(1, len(self._batches) // self._training.batch_size)

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self.epoch * self.steps_per_epoch

    def run_epoch(self) -> dict[int, Record]:
        """Train every live member for one epoch; returns the record of each, diverged ones too."""
        with self._computing():
            metrics = self._train_epoch()
            if self._test_is_due():
                metrics |= self._test_epoch("test") | self._test_epoch("validation")
            rows = read(metrics)
        self.epoch += 1
        now = time.time_ns() // 1_000_000
        records = {
            member: Record(self.epoch, self.step, now, row)
            for member, row in zip(self._rows, rows, strict=True)
            if member in self.live
        }
        self._leave_out_diverged(records)
        return records

    def rehearse(self, steps: int) -> float:
        """Seconds that a step takes, of this many; they move the members, and count as no epoch.

        As many are taken before, in which a step is traced and captured, and a batch of test data
        is looked at, which may need more memory than a step.
        """
        steps = min(steps, self.steps_per_epoch)
        with self._computing():
            with torch.no_grad():
                next(self._held_out("test"), None)
            read(self._take(steps))
            start = time.perf_counter()
            read(self._take(steps))  # waits for the device
            return (time.perf_counter() - start) / steps

    def look(self) -> list[dict[str, float]]:
        """The test and validation metrics of every live member as it is, in their order."""
        with self._computing():
            metrics = self._test_epoch("test") | self._test_epoch("validation")
            rows = read(metrics)
        return [rows[self._rows.index(member)] for member in self.live]

    @torch.no_grad()
    def examples(self) -> dict[int, State]:
        """``kl`` and ``recon`` of every test example, float32, for each live member.

        Their means are the test metrics of the last epoch, whose pass over the test data is not
        repeated. Empty if the objective has no KL.
        """
        if self._tested is None:
            with self._computing():
                self._test_epoch("test")
        batches = self._tested or ()
        if any(not set(OF_EXAMPLES) <= set(metrics) for metrics in batches):
            return {}
        whole = {
            name: torch.cat([metrics[name] for metrics in batches], dim=-1).float()
            for name in OF_EXAMPLES
            if batches
        }
        return {
            member: host_copies(self._rows_of(member, whole), self.device) for member in self.live
        }

    def weights(self, member: int) -> State:
        """The parameters of a member, on the CPU: ``param/<name>``."""
        whole = {f"param/{name}": value for name, value in self._params.items()}
        return host_copies(self._rows_of(member, whole), self.device)

    def state(self, member: int) -> State:
        """Parameters and Adam's moments of a member: all that going on needs."""
        return host_copies(self._rows_of(member, self._whole()), self.device)

    def states(self) -> Iterator[tuple[int, State]]:
        """The live members with their `state`; from a GPU the whole pack is copied at once."""
        whole, at_once = self._whole(), copied_at_once(self.device)
        if at_once:
            whole = host_copies(whole, self.device)
        for member in list(self.live):
            rows = self._rows_of(member, whole)
            yield member, rows if at_once else host_copies(rows, self.device)

    def restore(self, states: Sequence[State], epoch: int) -> None:
        """Go on from the states of all live members, saved after the same epoch."""
        assert len(states) == len(self.live)
        self.epoch = epoch
        self._place(states)

    def drop(self, *members: int) -> None:
        """Leave members out from now on.

        On a GPU they are computed on, and not looked at, until a quarter of the rows is theirs:
        a smaller pack has to be traced and captured anew.
        """
        before, steps = self._rows, self.step
        self.live = [member for member in self.live if member not in members]
        few = self._keeps_bits or len(self.live) <= (1 - LEFT) * len(before)
        if not self.live or not few or self._fewest_rows() == before:
            return
        self._rows = self._fewest_rows()
        kept = torch.tensor([before.index(member) for member in self._rows], device=self.device)
        moments = {name: self._adam.moments(name) for name in self._params}
        self._install({name: value.index_select(0, kept) for name, value in self._params.items()})
        self._adam.restore(
            {
                name: (first.index_select(0, kept), second.index_select(0, kept))
                for name, (first, second) in moments.items()
            },
            steps,
        )

    def bind(self, member: int) -> Bound:
        """The objective and the trained model of a live member."""
        params = {
            name.removeprefix("param/"): value.to(self.device)
            for name, value in self.weights(member).items()
        }
        hyper = {
            name: value[self._rows.index(member)] if self.packed else value
            for name, value in self._hyper.items()
        }
        return self.trials[member].bind(self._parts, params, hyper)

    def _computing(self) -> AbstractContextManager[None]:
        return arithmetic_of(self._training, self.device)

    def _fresh(self, trial: Trial) -> State:
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would keep a stack trace for each device that is not there
            torch.default_generator.manual_seed(stream_seed(trial.seed, "init", 0))
            modules = trial.build_modules().to(trial.training.dtype)
        return {f"param/{name}": value.detach() for name, value in modules.named_parameters()}

    def _place(self, states: Sequence[State]) -> None:
        """Stack the members' states, with a pack axis where trials are packed."""
        state_of = dict(zip(self.live, states, strict=True))
        self._rows = self._fewest_rows()

        def stacked(key: str) -> Tensor:
            values = [state_of[member][key].to(self.device) for member in self._rows]
            return torch.stack(values) if self.packed else values[0].clone()

        names = [key.removeprefix("param/") for key in states[0] if key.startswith("param/")]
        self._install({name: stacked(f"param/{name}") for name in names})
        if f"first/{names[0]}" in states[0]:
            self._adam.restore(
                {name: (stacked(f"first/{name}"), stacked(f"second/{name}")) for name in names},
                self.step,
            )

    def _install(self, params: dict[str, Tensor]) -> None:
        """Take over the stacked parameters of the live members, with a fresh optimiser."""
        self._params, numbers = params, self._stack_hyperparameters()
        rates = numbers.pop("training.lr"), numbers.pop("training.eps")
        self._adam = Adam(params, *rates)
        self._hyper = self._stack_statistics() | {
            name: value.to(self.device, self._training.dtype) for name, value in numbers.items()
        }
        self._program = Program(self.trials[0], self._parts, self.packed, self._way)
        self._steps: Steps | None = None
        self._tested: list[Metrics] | None = None  # batches of OF_EXAMPLES, of these parameters

    def _stack_hyperparameters(self) -> dict[str, Tensor]:
        """The numbers of the members, float64, on the host."""
        values = [self.trials[member].hyperparameters() for member in self._rows]
        columns = {
            name: torch.tensor([value[name] for value in values], dtype=torch.float64)
            for name in values[0]
        }
        return columns if self.packed else {name: own[0] for name, own in columns.items()}

    def _stack_statistics(self) -> dict[str, Tensor]:
        taken = self.trials[0].statistics(self.device, self._training.dtype)
        rows = len(self._rows)
        return {
            name: value.expand(rows, *value.shape) if self.packed else value
            for name, value in taken.items()
        }

    def _whole(self) -> State:
        """Parameters and moments of all rows."""
        return {
            f"{kind}/{name}": own
            for name, value in self._params.items()
            for kind, own in zip(KINDS, (value, *self._adam.moments(name)), strict=True)
        }

    def _rows_of(self, member: int, whole: State) -> State:
        return {name: self._row(value, member) for name, value in whole.items()}

    def _row(self, value: Tensor, member: int) -> Tensor:
        return value[self._rows.index(member)] if self.packed else value

    def _streams(self, epoch: int) -> list[Streams]:
        return [Streams(self.trials[member].seed, epoch, self.device) for member in self._rows]

    def _train_epoch(self) -> Metrics:
        means = self._take()
        return {f"train/{name}": value for name, value in means.items()}

    def _take(self, most: int | None = None) -> Metrics:
        """The steps of the next epoch, or the first of them; the mean of each metric over them."""
        if self._steps is None:
            self._steps = Steps(
                self._program, self._batches, self._params, self._hyper, self._adam
            )
        self._tested = None
        return self._steps.epoch(self._streams(self.epoch), most)

    def _test_is_due(self) -> bool:
        done = self.epoch + 1
        return done % self._training.test_every == 0 or done == self._training.epochs

    @torch.no_grad()
    def _test_epoch(self, part: HeldOut) -> Metrics:
        """Metrics of a part that is not trained on, with the same noise after every epoch."""
        totals, examples, kept = Metrics(), 0, list[Metrics]()
        for metrics, count in self._held_out(part):
            examples += count
            kept.append({name: metrics[name] for name in OF_EXAMPLES if name in metrics})
            for name, value in metrics.items():
                total = value.sum(-1)
                totals[name] = totals[name] + total if name in totals else total
        if part == "test":
            self._tested = kept
        return {f"{part}/{name}": value / examples for name, value in totals.items()}

    def _held_out(self, part: HeldOut) -> Iterator[tuple[Metrics, int]]:
        """The metrics of each example of a part, batch by batch, and the size of the batch."""
        streams = self._streams(NOISE_OF[part])
        with self._program.kernels(self.device):
            for x in self._batches.held_out(part):
                needs = self._program.test_draws(len(x))
                noise = stack_draws(streams, needs, self._training.dtype, self.packed)
                yield self._program.test(self._params, self._hyper, x, noise), len(x)

    def _leave_out_diverged(self, records: Mapping[int, Record]) -> None:
        for member, record in records.items():
            odd = [name for name, value in record.metrics.items() if not math.isfinite(value)]
            if odd:
                value = record.metrics[odd[0]]
                self.failed[member] = f"{odd[0]} became {value} in epoch {self.epoch}"
        if self.failed.keys() & set(self.live):
            self.drop(*self.failed)


def read(metrics: Metrics) -> list[dict[str, float]]:
    """The metrics of each row of the pack axis, in one transfer from the device."""
    table = torch.stack([values.reshape(-1).double() for values in metrics.values()])
    return [dict(zip(metrics, row, strict=True)) for row in table.T.tolist()]
