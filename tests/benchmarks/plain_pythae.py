"""The trials of a case with pythae's trainer, a process a core: it has no sweeps of its own.

Needs ``pip install --no-deps pythae imageio``; it is no dependency of ours. Its β-VAE with β = σ²
is the σ-VAE: the loss is σ² times that of the other scripts, which Adam does not notice.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from sklearn.utils.parallel import Parallel, delayed  # joblib, as scikit-learn brings it

from tests.benchmarks.cases import CASES, Case, script_arguments


def train(name: str, sigma: float, folder: str, epochs: int) -> None:
    """One trial."""
    import torch

    from tests.benchmarks.plain_training import images

    torch.set_num_threads(1)
    torch.manual_seed(1)
    case, trainers = CASES[name], importlib.import_module("pythae.trainers")
    plan = trainers.BaseTrainerConfig(
        output_dir=folder,
        num_epochs=epochs,
        learning_rate=1e-3,
        per_device_train_batch_size=case.batch_size,
        per_device_eval_batch_size=500,
        no_cuda=True,
        seed=1,
    )
    labelled = importlib.import_module("pythae.data.datasets").BaseDataset
    data = [labelled(x, torch.zeros(len(x))) for x in images(case)]
    trainers.BaseTrainer(beta_vae(case, sigma, data[0].data.shape[1:]), *data, plan).train()


def beta_vae(case: Case, sigma: float, shape: tuple[int, ...]) -> Any:
    """pythae's model, with the networks of the other scripts."""
    from tests.benchmarks.plain_training import modules

    models, networks, outputs = (
        importlib.import_module(f"pythae.models{part}") for part in ("", ".nn", ".base.base_utils")
    )
    (mean, spread), decoder = modules(case)

    class Encoder(networks.BaseEncoder):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.mean, self.spread = mean, spread

        def forward(self, x: Any) -> Any:
            return outputs.ModelOutput(embedding=self.mean(x), log_covariance=self.spread(x))

    class Decoder(networks.BaseDecoder):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layers = decoder

        def forward(self, z: Any) -> Any:
            return outputs.ModelOutput(reconstruction=self.layers(z))

    settings = models.BetaVAEConfig(input_dim=tuple(shape), latent_dim=case.d_z, beta=sigma**2)
    return models.BetaVAE(settings, encoder=Encoder(), decoder=Decoder())


def main() -> None:
    """Run the trials of a case in the given folder."""
    arguments = script_arguments()
    folder, work = arguments.folder, delayed(train)
    Parallel(n_jobs=len(os.sched_getaffinity(0)))(
        work(arguments.case, sigma, str(folder / f"{sigma:g}"), arguments.epochs)
        for sigma in CASES[arguments.case].sigmas
    )


if __name__ == "__main__":
    main()
