"""Networks against their formulas, written out from their own weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from trainers.networks import NETWORKS
from trainers.networks.conv import Conv
from trainers.networks.energy import ConvEnergy
from trainers.networks.mlp import Mlp

SHAPE = (2, 7, 6)
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": lambda u: u * torch.sigmoid(u),
    "softplus": lambda u: torch.log1p(u.exp()),
    "tanh": torch.tanh,
}
Params = Mapping[str, Tensor]


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def built(network: Conv | ConvEnergy | Mlp) -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {part: module.double() for part, module in network.build(SHAPE, 2).items()}


def layer(params: Params, name: str, h: Tensor) -> Tensor:
    return linear(h, params[f"{name}.weight"], params[f"{name}.bias"])


def conv_stack(params: Params, name: str, x: Tensor) -> Tensor:
    """SiLU after each of two unpadded 3x3 convolutions, and after the hidden layer."""
    silu, h = ACTIVATIONS["silu"], x.reshape(-1, *SHAPE)
    for place in range(2):
        weight, bias = (
            params[f"{name}.convolutions.{place}.{kind}"] for kind in ("weight", "bias")
        )
        assert weight.shape[2:] == (3, 3)
        h = silu(conv2d(h, weight, bias))
    return silu(layer(params, f"{name}.hidden", h.flatten(1)))


@pytest.mark.parametrize("share", [False, True])
def test_mean_and_log_variance_come_from_convnets_of_their_own(share: bool) -> None:
    encoder = built(Conv(channels=(3, 4), fc=5, d_z=2, share_encoder=share))["encoder"]
    params, x = dict(encoder.named_parameters()), drawn(6, 84)
    features = [conv_stack(params, f"trunks.{place}", x) for place in range(1 if share else 2)]
    mean, log_var = encoder(x)
    torch.testing.assert_close(mean, layer(params, "mean", features[0]))
    torch.testing.assert_close(log_var, layer(params, "log_var", features[-1]))
    assert share or not torch.allclose(features[0], features[1])


def test_the_conv_decoder_has_one_hidden_layer() -> None:
    decoder = built(Conv(channels=(3, 4), decoder=5, d_z=2))["decoder"]
    params, z = dict(decoder.named_parameters()), drawn(6, 2)
    u = layer(params, "out", ACTIVATIONS["silu"](layer(params, "hidden", z)))
    torch.testing.assert_close(decoder(z), u.reshape(6, 2, 84))


def test_the_conv_energy_is_a_number_from_a_convnet() -> None:
    energy = built(ConvEnergy(channels=(3, 4), fc=5))["energy"]
    params, y = dict(energy.named_parameters()), drawn(6, 84)
    f = conv_stack(params, "trunk", y) @ params["out.weight"][0]
    torch.testing.assert_close(energy(y), f)


@pytest.mark.parametrize("hidden", [(5,), (5, 4)])
@pytest.mark.parametrize("nonlinearity", ["softplus", "tanh", "silu"])
def test_dense_layers_have_the_activation_that_is_named(
    nonlinearity: str, hidden: tuple[int, ...]
) -> None:
    act = ACTIVATIONS[nonlinearity]
    parts = built(Mlp(d_z=2, hidden=hidden, decoder_hidden=hidden, nonlinearity=nonlinearity))  # type: ignore[arg-type]
    for part, given in (("encoder", drawn(6, 84)), ("decoder", drawn(6, 2))):
        params, h = dict(parts[part].named_parameters()), given
        for place in range(len(hidden)):
            h = act(layer(params, f"hidden.{2 * place}", h))
        found = parts[part](given)
        if part == "encoder":
            torch.testing.assert_close(
                found, (layer(params, "mean", h), layer(params, "log_var", h))
            )
        else:
            torch.testing.assert_close(found, layer(params, "out", h).reshape(6, 2, 84))


@pytest.mark.parametrize(
    "name", [name for name in NETWORKS if NETWORKS[name].kind == "autoencoder"]
)
def test_the_readout_is_logistic_but_for_the_linear_model(name: str) -> None:
    u = drawn(5, 7)
    expected = u if name == "linear" else 1 / (1 + (-u).exp())
    torch.testing.assert_close(NETWORKS[name]().readout(u), expected)
