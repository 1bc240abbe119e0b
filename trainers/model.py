"""One model: its modules, parameters and hyperparameters bound together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from trainers.corruptions import Corruption
from trainers.fields import substitute
from trainers.likelihoods import Likelihood
from trainers.networks import Network, flat_size

if TYPE_CHECKING:
    from trainers.objectives import Objective
    from trainers.trial import Trial

__all__ = ["Model", "Parameters", "bind", "build_modules"]

Parameters = Mapping[str, Tensor]


@dataclass(frozen=True)
class Model:
    """What an objective sees: functions of one set of parameters, without a pack axis.

    Parameters are named ``<part>.<name>``, where the part is ``encoder``, ``decoder`` or
    ``energy``. Hyperparameters of the likelihood and the corruption are 0-d tensors.
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
        """The likelihood, where the objective cannot do without one."""
        assert self.likelihood is not None
        return self.likelihood

    def encode(self, x: Float[Tensor, "batch dims"]) -> tuple[
            Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance of q(z|x)."""
        mean, log_var = self._call("encoder", x)
        return mean, log_var

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch outputs dims"]:
        """The decoder's numbers before the readout."""
        u: Tensor = self._call("decoder", z)
        return u

    def mean(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch dims"]:
        """x̂(z), in data units."""
        return self.observation.mean(self.decode(z), self.network.readout)

    def energy(self, y: Float[Tensor, "batch dims"]) -> Float[Tensor, "batch"]:
        """f(y), the energy of each example in nats."""
        f: Tensor = self._call("energy", y)
        return f

    def _call(self, part: str, *inputs: Tensor) -> Tensor:
        prefix = part + "."
        own = {name.removeprefix(prefix): value for name, value in self.params.items()
               if name.startswith(prefix)}
        result: Tensor = functional_call(self.parts[part], own, inputs)
        return result


def build_modules(trial: Trial) -> nn.ModuleDict:
    """Fresh modules of a trial's network for its data and likelihood."""
    outputs = trial.likelihood.outputs if trial.likelihood else 1
    return nn.ModuleDict(trial.network.build(trial.data.shape, outputs))


def bind(trial: Trial, parts: Mapping[str, nn.Module], params: Parameters,
         hyper: Mapping[str, Tensor]) -> tuple[Objective, Model]:
    """The objective and the model of one member, with its hyperparameters put in.

    `hyper` maps ``objective.beta``, ``likelihood.sigma`` ... to 0-d tensors.
    """
    def own(owner: str) -> dict[str, object]:
        return {key.removeprefix(owner + "."): value for key, value in hyper.items()
                if key.startswith(owner + ".")}

    model = Model(parts, params, trial.network, trial.data.shape,
                  trial.likelihood and substitute(trial.likelihood, own("likelihood")),
                  trial.corruption and substitute(trial.corruption, own("corruption")),
                  trial.corrupts)
    return substitute(trial.objective, own("objective")), model
