"""One model: its modules, parameters and hyperparameters bound together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from trainers.corruptions import Corruption, Learnable
from trainers.likelihoods import Likelihood
from trainers.networks import Network, flat_size

__all__ = ["Model", "Parameters"]

Parameters = Mapping[str, Tensor]


@dataclass(frozen=True)
class Model:
    """What an objective sees: functions of one set of parameters, without a pack axis.

    Parameters are named ``<part>.<name>``, where the part is ``encoder``, ``decoder``, ``energy``
    or, for a learned corruption, ``corruption``. Hyperparameters of the likelihood and the
    corruption are 0-d tensors. Results have the dtype of the inputs, whatever precision the
    layers compute in: sums over dimensions keep their digits under autocast.
    """

    parts: Mapping[str, nn.Module]
    params: Parameters
    network: Network
    shape: tuple[int, ...]
    likelihood: Likelihood | None = None
    corruption: Corruption | None = None
    corrupts: str | None = None

    @property
    def dims(self) -> int:
        return flat_size(self.shape)

    @property
    def d_z(self) -> int:
        return int(getattr(self.network, "d_z"))  # noqa: B009 - energies have no latent space

    @property
    def observation(self) -> Likelihood:
        """The likelihood, for objectives that require one."""
        assert self.likelihood is not None
        return self.likelihood

    def encode(
        self, x: Float[Tensor, "batch dims"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance of q(z|x)."""
        mean, log_var = self._call("encoder", x)
        return mean.to(x.dtype), log_var.to(x.dtype)

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch outputs dims"]:
        """The decoder's outputs before the readout, `outputs` numbers for each dimension."""
        u: Tensor = self._call("decoder", z)
        return u.to(z.dtype)

    def mean(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch dims"]:
        """The decoder's mean x̂(z), in data units."""
        return self.observation.mean(self.decode(z), self.network.readout)

    def corrupt(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        """x̃ ~ p(x̃|x), in data units, at the corruption's current rate."""
        assert self.corruption is not None
        if isinstance(self.corruption, Learnable):
            return self.corruption.at(self._own("corruption"))(x, noise)
        return self.corruption(x, noise)

    def learned_rate(self) -> dict[str, Float[Tensor, ""]]:
        """``rate``, the mean rate of a learned corruption; empty for other corruptions."""
        if not isinstance(self.corruption, Learnable):
            return {}
        return {"rate": self.corruption.rate(self._own("corruption"))}

    def energy(self, y: Float[Tensor, "batch dims"]) -> Float[Tensor, " batch"]:
        """f(y), the energy of each example in nats."""
        f: Tensor = self._call("energy", y)
        return f.to(y.dtype)

    def _call(self, part: str, *inputs: Tensor) -> Any:
        return functional_call(self.parts[part], self._own(part), inputs, tie_weights=False)

    def _own(self, part: str) -> dict[str, Tensor]:
        prefix = part + "."
        return {
            name.removeprefix(prefix): value
            for name, value in self.params.items()
            if name.startswith(prefix)
        }
