"""Ten images of one bar: a deep VAE keeps them apart where a linear one's posterior collapses."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import report
from analysis.figures import kl
from analysis.figures.drawing.view import look
from analysis.sources import load as sources
from sweeper.driver.run import RunOptions, run
from sweeper.grid.loading import load
from tests.sweeper.mlflow_view import READY

pytestmark = [*READY, pytest.mark.slow]
BARS = '''\
"""One bar an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from trainers.datasets import DATASETS, Split, Splits, array_checksum
from trainers.fields import Component, Count


@DATASETS.register("one_bar")
@dataclass(frozen=True, kw_only=True)
class OneBar(Component):
    """A square in which one row is white, each as often as the others."""

    reference: ClassVar[str] = "this test"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    side: Count = 10
    copies: Count = 20

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, self.side, self.side

    def load(self) -> Splits:
        rows = torch.eye(self.side).to(torch.uint8)[:, :, None] * 255
        x = rows.expand(-1, -1, self.side).flatten(1).repeat(self.copies, 1)
        return Splits(Split(x), Split(x[: self.side]), scale=255.0)

    def checksum(self) -> str:
        return array_checksum(self.load().train.x.numpy())
'''
GRID = """\
experiment: bars
components: [bars.py]
data: one_bar
defaults:
  {network: mlp, hidden: [200, 200], decoder_hidden: [200, 200], nonlinearity: silu, d_z: 2,
   epochs: 1500, batch_size: 200, lr: 3e-3, test_every: 150, checkpoint_every: 1500}
seeds: [1]
trials:
  - {model: sigma_vae, sigma: [0.8, 0.9, 1.05]}
resources: {pack: 1}
"""
COLLAPSED = -9 / (2 * 1.05**2)  # the ELBO of the mean image: the total variance is 9


def test_no_report_says_that_a_deep_posterior_must_collapse(tmp_path: Path) -> None:
    (tmp_path / "bars.py").write_text(BARS, encoding="utf-8")
    (tmp_path / "grid.yaml").write_text(GRID, encoding="utf-8")
    storage = tmp_path / "sweeps"
    sweep = load(
        tmp_path / "grid.yaml", storage=str(storage), tracking=f"sqlite:///{tmp_path}/mlflow.db"
    )
    assert run(sweep, RunOptions(inline=True, live=False)).finished == 3
    found = sources.from_storage(storage, "bars")
    deep = found.trials.set_index("sigma").loc[1.05]
    assert deep["test/kl"] > 1.5
    assert deep["test/elbo"] > COLLAPSED + 0.5
    sentence = (
        "The posterior of a linear σ-VAE collapses above σ = 1 (√λ_max of these data); that of a "
        f"deep one need not: the measured KL is {deep['test/kl']:.2f} nats/example at σ = 1.05."
    )
    said = report.summary(found)
    assert sentence in said
    assert not any("must" in one or "has collapsed" in one for one in said)
    assert sentence in kl.IN_SIGMA.info(look(found, None, 0.1, None)).caption
