"""A trial's result is its own: no pack, no neighbour and no interruption changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Training, Trial
from trainers import pack as pack_module
from trainers.checkpoint import Progress, open_attempt
from trainers.conformance.examples import combinations, with_other_numbers
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks import NETWORKS, Network
from trainers.networks.conv import Conv
from trainers.networks.linear import Linear
from trainers.networks.mlp import Mlp
from trainers.objectives.elbo import Elbo
from trainers.posterior import kl_to_prior
from trainers.program import Program

DOUBLE = Training(epochs=3, precision="float64")


def test_a_diverging_member_is_left_out_and_leaves_no_trace() -> None:
    wild = mlp_sigma_vae(1e-30, training=Training(epochs=3, lr=1e30))
    calm = mlp_sigma_vae(0.1, training=Training(epochs=3))
    pack, alone = Pack([calm, wild]), Pack([calm])
    for _ in range(3):
        pack.run_epoch()
        alone.run_epoch()
    assert pack.live == [0]
    assert "became" in pack.failed[1]
    for name, value in alone.weights(0).items():
        torch.testing.assert_close(pack.weights(0)[name], value)


def test_a_pack_that_members_leave_goes_on_as_a_smaller_one() -> None:
    """To the last bit: as a pack of the others alone, from the first epoch on."""
    trials = [mlp_sigma_vae(sigma, training=Training(epochs=3)) for sigma in (0.1, 0.2, 0.3, 0.4)]
    pack, smaller = Pack(trials), Pack(trials[2:])
    for epoch in range(3):
        if epoch:
            pack.drop(epoch - 1)
        last, expected = pack.run_epoch(), smaller.run_epoch()
    assert pack.live == [2, 3]
    assert [last[2].metrics, last[3].metrics] == [record.metrics for record in expected.values()]
    for member in (0, 1):
        state = pack.state(member + 2)
        assert [k for k, v in smaller.state(member).items() if not torch.equal(v, state[k])] == []


@pytest.mark.parametrize("at_once", [False, True])
def test_checkpoints_of_a_pack_are_one_copy_from_a_gpu(
    at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the live members, each with its own state, that can be saved while the pack goes on."""
    pack = Pack([mlp_sigma_vae(sigma, training=DOUBLE) for sigma in (0.1, 0.2, 0.3)])
    pack.run_epoch()
    pack.drop(1)
    expected = {member: pack.state(member) for member in pack.live}
    copies, copy = list[int](), pack_module.host_copies

    def counted(values: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
        copies.append(len(values))
        return copy(values, device)

    monkeypatch.setattr(pack_module, "host_copies", counted)
    monkeypatch.setattr(pack_module, "copied_at_once", lambda device: at_once)
    states = dict(pack.states())
    pack.run_epoch()
    assert len(copies) == (1 if at_once else 2)
    assert states.keys() == expected.keys() == {0, 2}
    attempt = open_attempt(tmp_path)
    for member, state in states.items():
        loaded = attempt.commit(state, [], Progress(member + 1, 1, "running")).load()
        assert loaded.keys() == expected[member].keys()
        assert all(torch.equal(loaded[name], value) for name, value in expected[member].items())


@pytest.mark.parametrize("name", NETWORKS)
def test_whoever_is_left_of_a_pack_has_the_bits_of_a_smaller_one(name: str) -> None:
    """Two of three, then one beside a copy of itself, whatever the network."""
    training = Training(epochs=3, batch_size=256)
    first = next(one for one in combinations() if one.network.name == name)
    trials = [replace(first, training=training)]
    while len(trials) < 3:
        trials.append(with_other_numbers(trials[-1]))
    pack, smaller = Pack(trials), Pack(trials[1:])
    rows = []
    for epoch in range(3):
        if epoch:
            pack.drop(epoch - 1)
        rows.append(len(pack._rows))
        last, expected = pack.run_epoch(), smaller.run_epoch()
    assert rows == [3, 2, 2]
    assert last[2].metrics == expected[1].metrics
    state, other = pack.state(2), smaller.state(1)
    assert state.keys() == other.keys()
    assert [key for key, value in other.items() if not torch.equal(value, state[key])] == []
    one, two = pack.examples().get(2, {}), smaller.examples().get(1, {})
    assert {key: value.tolist() for key, value in one.items()} == {
        key: value.tolist() for key, value in two.items()
    }


def test_the_last_member_can_be_trained_once_where_no_last_bits_are_promised() -> None:
    """As on a GPU: a pack of one row, without a copy beside it."""
    trials = [mlp_sigma_vae(0.1 * seed, seed=seed) for seed in (1, 2)]
    once, twice = Pack(trials), Pack(trials)
    once._keeps_bits = False
    for pack in (once, twice):
        pack.drop(0)
    assert [len(pack.bind(1)[1].params) for pack in (once, twice)] == [len(once._params)] * 2
    assert {len(value) for value in once._params.values()} == {1}
    assert {len(value) for value in twice._params.values()} == {2}
    one, two = once.run_epoch(), twice.run_epoch()
    assert one.keys() == two.keys() == {1}
    assert one[1].metrics == pytest.approx(two[1].metrics, rel=1e-4)
    assert once.examples()[1]["kl"].shape == twice.examples()[1]["kl"].shape


def test_no_other_device_than_a_cpu_trains_a_copy() -> None:
    """As `meta` does, which has no values: a GPU computes on who left, and the last one once."""
    trials, rows = [mlp_sigma_vae(0.1 * seed, seed=seed) for seed in (1, 2, 3, 4, 5)], list[int]()
    for device in ("cpu", "meta"):
        pack = Pack(trials, device)
        for leaver in range(4):
            pack.drop(leaver)
            rows.append(len(pack._rows))
    assert rows == [4, 3, 2, 2, *(5, 3, 2, 1)]


def test_a_graph_on_a_gpu_is_made_anew_when_a_quarter_of_its_members_has_left() -> None:
    """Those that left are computed until then, and nobody hears of them."""
    trials = [mlp_sigma_vae(0.1 * seed, seed=seed) for seed in (1, 2, 3, 4, 5)]
    lazy, eager = Pack(trials), Pack(trials)
    lazy._keeps_bits = False
    rows = list[int]()
    for leaver in (3, 0, 4):
        for pack in (lazy, eager):
            pack.drop(leaver)
        rows.append(len(lazy._rows))
        found, expected = lazy.run_epoch(), eager.run_epoch()
        assert {member: one.metrics for member, one in found.items()} == {
            member: one.metrics for member, one in expected.items()
        }
    assert rows == [5, 3, 2]
    assert lazy.live == [1, 2]
    assert lazy.look() == eager.look()
    assert lazy.examples().keys() == {1, 2}
    for name, value in eager.state(2).items():
        assert torch.equal(lazy.state(2)[name], value), name


def test_members_that_stay_are_chosen_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is copied to the host and back."""
    pack = Pack([mlp_sigma_vae(0.1 * seed, seed=seed) for seed in (1, 2, 3)])
    pack.run_epoch()
    before = pack.state(2)
    monkeypatch.setattr(Pack, "state", None)
    monkeypatch.setattr(Pack, "weights", None)
    pack.drop(0, 1)
    monkeypatch.undo()
    after = pack.state(2)
    assert [key for key, value in before.items() if not torch.equal(value, after[key])] == []


def test_a_pack_goes_on_from_its_states_bit_for_bit() -> None:
    trials = [mlp_sigma_vae(sigma, training=DOUBLE) for sigma in (0.1, 0.2)]
    through, first, second = Pack(trials), Pack(trials), Pack(trials)
    for _ in range(3):
        last = through.run_epoch()
    first.run_epoch()
    second.restore([first.state(member) for member in first.live], epoch=1)
    for _ in range(2):
        resumed = second.run_epoch()
    assert {m: r.metrics for m, r in resumed.items()} == {m: r.metrics for m, r in last.items()}


def test_rates_and_eps_may_differ_in_a_pack() -> None:
    trials = [
        mlp_sigma_vae(0.1, training=replace(DOUBLE, lr=lr, eps=eps))
        for lr, eps in ((1e-3, 1e-8), (3e-3, 1e-4))
    ]
    pack, alone = Pack(trials), Pack(trials[1:])
    for _ in range(2):
        pack.run_epoch()
        alone.run_epoch()
    for name, value in alone.weights(0).items():
        torch.testing.assert_close(pack.weights(1)[name], value, rtol=1e-8, atol=1e-10)


def test_metrics_are_means_over_all_examples_and_over_all_steps() -> None:
    """Of parameters that do not move: a test in three batches, and an epoch of five steps."""
    trial = Trial(
        objective=Elbo(beta=3.0),
        likelihood=Gaussian(sigma=0.5),
        network=Linear(d_z=2),
        data=LinearGaussian(dims=4, examples=1234),
        training=Training(batch_size=246, precision="float64", lr=1e-300),
    )
    pack = Pack([trial])
    _, model = pack.bind(0)
    kl = float(kl_to_prior(*model.encode(trial.data.load().test.x)).mean())
    found = pack.run_epoch()[0].metrics
    assert found["test/kl"] == pytest.approx(kl, rel=1e-12)
    assert found["train/kl"] == pytest.approx(kl, rel=0.02)
    for name in ("train/elbo", "test/elbo"):
        part = name.partition("/")[0]
        expected = -found[f"{part}/recon"] / (2 * 0.5**2) - found[f"{part}/kl"]
        assert found[name] == pytest.approx(expected, rel=1e-10)
        assert found[f"{part}/objective"] == pytest.approx(expected - 2 * found[f"{part}/kl"])


@pytest.mark.parametrize("count", [1, 2])
def test_the_values_of_single_test_examples_have_the_test_metrics_as_means(count: int) -> None:
    pack = Pack(
        [mlp_sigma_vae(sigma, training=Training(epochs=1)) for sigma in (0.1, 0.3)[:count]]
    )
    records, found = pack.run_epoch(), pack.examples()
    assert list(found) == list(range(count))
    for member, values in found.items():
        assert {name: one.shape for name, one in values.items()} == {"kl": (364,), "recon": (364,)}
        means = {f"test/{name}": float(one.double().mean()) for name, one in values.items()}
        metrics = records[member].metrics
        assert means == pytest.approx({name: metrics[name] for name in means}, rel=1e-5)


def test_the_last_test_pass_is_not_repeated_for_the_single_examples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials = [mlp_sigma_vae(sigma, training=Training(epochs=2)) for sigma in (0.1, 0.2, 0.3)]
    pack, sizes = Pack(trials), list[int]()
    look = Program.test
    monkeypatch.setattr(
        Program, "test", lambda *args: (sizes.append(len(args[3])), look(*args))[1]
    )
    pack.run_epoch()
    first = pack.examples()
    pack.run_epoch()
    assert sum(sizes) == 2 * 364
    second = pack.examples()
    assert sum(sizes) == 2 * 364
    assert not torch.equal(first[0]["kl"], second[0]["kl"])
    pack.drop(0)
    again = pack.examples()
    assert sum(sizes) == 3 * 364
    for member in (1, 2):
        for name, values in again[member].items():
            assert torch.equal(values, second[member][name])


def test_trials_of_other_shapes_are_no_pack() -> None:
    one = mlp_sigma_vae(0.1)
    with pytest.raises(Incompatible, match="numbers"):
        Pack([one, replace(one, network=Mlp(d_z=5))])


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Torch computes with two threads, and afterwards with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_training_leaves_the_global_state_alone() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    Pack([mlp_sigma_vae(0.1)]).run_epoch()
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("sigma", [0.05, 0.2])
@pytest.mark.parametrize("network", [Mlp(hidden=(64,), d_z=8), Conv(d_z=8, channels=(4, 8))])
def test_bfloat16_trains_what_float32_trains(network: Network, sigma: float) -> None:
    """The tolerance that `Training` states, of a pack of two: 3 per cent of KL and recon."""
    trials = [
        [
            replace(mlp_sigma_vae(sigma, seed=seed), network=network, training=training)
            for seed in (1, 2)
        ]
        for training in (
            Training(epochs=4, batch_size=128, precision="bfloat16", test_every=4),
            Training(epochs=4, batch_size=128, test_every=4),
        )
    ]
    half, full = (Pack(members) for members in trials)
    for _ in range(4):
        rough, exact = half.run_epoch(), full.run_epoch()
    assert {value.dtype for value in half.state(0).values()} == {torch.float32}
    assert rough[0].metrics != exact[0].metrics
    for member in (0, 1):
        for name in ("test/elbo", "test/kl", "test/recon", "test/denoise"):
            found = rough[member].metrics[name]
            assert found == pytest.approx(exact[member].metrics[name], rel=0.03), name


@pytest.mark.parametrize(
    "network", [Mlp(hidden=(16,), d_z=4), pytest.param(Conv(d_z=4), marks=pytest.mark.slow)]
)
def test_who_is_left_alone_is_computed_as_before(network: Network) -> None:
    """Packs of four and of two, one that others leave, and a packed one alone: the same bits."""
    training = Training(epochs=2, batch_size=256)
    trials = [
        replace(mlp_sigma_vae(sigma, training=training), network=network)
        for sigma in (0.1, 0.2, 0.3, 0.4)
    ]
    packs = [Pack(trials), Pack(trials[:2]), Pack(trials), Pack(trials[:1], packed=True)]
    records = []
    for place, pack in enumerate(packs):
        first = pack.run_epoch()[0]
        if place == 2:
            pack.drop(1, 2, 3)
        records.append((first.metrics, pack.run_epoch()[0].metrics))
    assert all(record == records[0] for record in records[1:])
    assert all(
        torch.equal(value, packs[0].state(0)[name])
        for pack in packs[1:]
        for name, value in pack.state(0).items()
    )
