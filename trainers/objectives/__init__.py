"""What is trained: one file each, registered by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import Corruption
from trainers.noise import Draw
from trainers.registry import Registry

if TYPE_CHECKING:
    from trainers.model import Model

__all__ = ["OBJECTIVES", "Metrics", "Noise", "Objective"]

Metrics = dict[str, Tensor]
Noise = Mapping[str, Tensor]


@runtime_checkable
class Objective(Protocol):
    """A loss for one model, one batch and given noise; the pack axis is added outside.

    `network` is the kind of network that it trains, `likelihood` whether it needs one, and
    `corrupts` where it admits a corruption: of the ``input`` of the encoder, of the ``data``.

    A class may also declare `default_likelihood`, the one that it has where a grid names none;
    `lacks`, by the name of a field that others have and it has not, the reason for that; and
    `weights_kl`, true if it maximises E_q log p(x|z) − beta·KL with a field `beta`, so that the
    theorems on β and the noise level hold for it (`trainers.fields.NoiseScale`).
    """

    network: ClassVar[Literal["autoencoder", "energy"]]
    likelihood: ClassVar[bool]
    corrupts: ClassVar[tuple[str, ...]]

    def draws(self, model: Model, batch: int) -> dict[str, Draw]:
        """The noise that `loss` needs for a batch."""
        ...

    def loss(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> tuple[Float[Tensor, ""], Metrics]:
        """What training minimises (mean over the batch), and its parts as metrics."""
        ...

    def test_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        """The noise that `test` needs for a batch; all of it from the stream `evaluation`."""
        ...

    def test(
        self, model: Model, x: Float[Tensor, "batch dims"], noise: Noise
    ) -> dict[str, Float[Tensor, " batch"]]:
        """The test metrics of each example."""
        ...

    def noise_model(self, model: Model) -> Corruption:
        """The noise that the model is about: what a decoder imagines, what a denoiser removes."""
        ...

    def denoise_draws(self, model: Model, batch: int) -> dict[str, Draw]:
        """The noise that `denoise` may be given for a batch, from the stream `evaluation`."""
        ...

    def denoise(
        self, model: Model, y: Float[Tensor, "batch dims"], noise: Noise | None = None
    ) -> Float[Tensor, "batch dims"]:
        """x̂(y), in data units; without `noise`, from the posterior mean of the latents."""
        ...


OBJECTIVES: Registry[Objective] = Registry("objective", "trainers.objectives")
