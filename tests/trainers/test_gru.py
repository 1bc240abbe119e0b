"""The unrolled recurrent encoder is torch's gated layer, alone and in a pack."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from trainers import Pack, Training, Trial
from trainers.datasets.digits import Digits
from trainers.likelihoods.bernoulli import Bernoulli
from trainers.networks.gru import Gru, GruEncoder
from trainers.objectives.elbo import Elbo

TRIALS = [
    Trial(
        objective=Elbo(),
        likelihood=Bernoulli(),
        data=Digits(),
        seed=seed,
        network=Gru(d_z=3, units=8, decoder_hidden=(16,)),
        training=Training(epochs=2, batch_size=64),
    )
    for seed in (1, 2)
]


def encoder(seed: int) -> GruEncoder:
    torch.manual_seed(seed)
    return GruEncoder(dims=6, width=5, d_z=2, steps=5).double()


def test_it_computes_what_torchs_gated_layer_computes() -> None:
    mine = encoder(0)
    layer = nn.GRU(6, 5, batch_first=True).double()
    with torch.no_grad():
        for theirs, own in (
            (layer.weight_ih_l0, mine.inputs.weight),
            (layer.bias_ih_l0, mine.inputs.bias),
            (layer.weight_hh_l0, mine.state.weight),
            (layer.bias_hh_l0, mine.state.bias),
        ):
            theirs.copy_(own)
    x = torch.randn(9, 6, dtype=torch.float64)
    states, _ = layer(x.unsqueeze(1).expand(9, 5, 6))
    mean, log_var = mine(x)
    torch.testing.assert_close(mean, mine.mean(states[:, -1]), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(log_var, mine.log_var(states[:, -1]), rtol=1e-12, atol=1e-12)


def test_a_batched_pack_of_encoders_has_the_gradients_of_each() -> None:
    """The fused layer has no rule for this."""
    members = [encoder(seed) for seed in (1, 2, 3)]
    stacked = {
        name: torch.stack(
            [dict(member.named_parameters())[name].detach() for member in members]
        ).requires_grad_()
        for name, _ in members[0].named_parameters()
    }
    x = torch.randn(3, 9, 6, dtype=torch.float64)
    mean, log_var = vmap(lambda params, x: functional_call(members[0], params, (x,)))(stacked, x)
    together = torch.autograd.grad((mean.square() + log_var).sum(), list(stacked.values()))
    for place, member in enumerate(members):
        own_mean, own_log_var = member(x[place])
        alone = torch.autograd.grad(
            (own_mean.square() + own_log_var).sum(), list(member.parameters())
        )
        for ours, theirs in zip(together, alone, strict=True):
            torch.testing.assert_close(ours[place], theirs, rtol=1e-11, atol=1e-12)


def test_the_paper_sized_encoder_has_the_counted_parameters() -> None:
    trial = Trial(objective=Elbo(), likelihood=Bernoulli(), data=Digits(), network=Gru())
    recurrent = 3 * 200 * (64 + 1) + 3 * 200 * (200 + 1) + 2 * 50 * (200 + 1)
    decoder = 200 * (50 + 1) + 200 * (200 + 1) + 64 * (200 + 1)
    assert trial.count_parameters() == recurrent + decoder


def trained_kl(trials: list[Trial], device: str = "cpu") -> float:
    pack = Pack(trials, device)
    for _ in range(2):
        records = pack.run_epoch()
    return records[0].metrics["test/kl"]


def test_a_pack_of_recurrent_models_trains_like_each_alone() -> None:
    assert trained_kl(TRIALS) == pytest.approx(trained_kl(TRIALS[:1]), rel=1e-4)


@pytest.mark.gpu
def test_a_pack_of_recurrent_models_trains_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here; run `pytest -m gpu` on a machine that has one")
    assert trained_kl(TRIALS, "cuda") == pytest.approx(trained_kl(TRIALS[:1], "cuda"), rel=1e-3)
