"""The convolutional energy of DEEN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from trainers.fields import Component, Count
from trainers.networks import NETWORKS, image_shape
from trainers.networks.conv import ConvStack

__all__ = ["ConvEnergy"]


class EnergyNet(nn.Module):
    """y (batch, dims) → f(y) (batch): a ConvNet and a linear readout of one number.

    The readout has no bias, because a constant does not change ∇f.
    """

    def __init__(self, shape: tuple[int, int, int], channels: tuple[int, ...], fc: int) -> None:
        super().__init__()
        self.trunk = ConvStack(shape, channels, fc)
        self.out = nn.Linear(fc, 1, bias=False)

    def forward(self, y: Float[Tensor, "batch dims"]) -> Float[Tensor, " batch"]:
        f: Tensor = self.out(self.trunk(y))
        return f.squeeze(-1)


@NETWORKS.register("conv_energy")
@dataclass(frozen=True, kw_only=True)
class ConvEnergy(Component):
    """The ConvNet energy f(y) of DEEN: expanding convolutions, one hidden layer, one number.

    3x3 kernels, stride 1, no padding, no pooling. The activation is SiLU, which is smooth, because
    training differentiates ∇f. 26 million parameters on MNIST, 36 million on CIFAR-10.

    Parameters
    ----------
    channels : channels of the convolutions, in order. fc : width of the hidden layer.

    References
    ----------
    Saremi 2020, arXiv:2007.15130, Sec. 3.1.2 and Table 1.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Sec. 3.1.2"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "energy"

    channels: tuple[Count, ...] = (128, 256, 512)
    fc: Count = 100

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        return {"energy": EnergyNet(image_shape(shape), self.channels, self.fc)}

    def readout(self, u: Tensor) -> Tensor:
        return u
