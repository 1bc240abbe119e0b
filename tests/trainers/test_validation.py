"""The validation part is looked at beside the test part, with noise of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Training, Trial, batches
from trainers.datasets import Split, Splits
from trainers.datasets.digits import Digits
from trainers.fields import Component

DOUBLE = Training(epochs=3, precision="float64", test_every=2)


@dataclass(frozen=True, kw_only=True)
class TestedTwice(Component):
    """Digits whose first test examples are the validation part too."""

    __test__: ClassVar[bool] = False
    name: ClassVar[str] = "tested_twice"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    shape: ClassVar[tuple[int, ...]] = (1, 8, 8)

    kept: int = 10_000

    def load(self) -> Splits:
        splits = Digits().load()
        return replace(splits, validation=Split(splits.test.x[: self.kept]))

    def checksum(self) -> str:
        return Digits().checksum()


def trial(sigma: float = 0.2, kept: int = 10_000) -> Trial:
    return replace(mlp_sigma_vae(sigma, training=DOUBLE), data=TestedTwice(kept=kept))


def metrics_of(pack: Pack, member: int = 0) -> list[dict[str, float]]:
    return [pack.run_epoch()[member].metrics for _ in range(DOUBLE.epochs)]


def part(metrics: dict[str, float], name: str) -> dict[str, float]:
    return {
        key.partition("/")[2]: value
        for key, value in metrics.items()
        if key.startswith(f"{name}/")
    }


def test_the_same_metrics_come_at_the_same_rhythm() -> None:
    records = metrics_of(Pack([trial()]))
    assert [bool(part(record, "validation")) for record in records] == [False, True, True]
    for record in records:
        assert part(record, "validation").keys() == part(record, "test").keys()


def test_the_noise_is_its_own_and_the_examples_are_the_parts() -> None:
    """On the same examples what has no noise is equal, and what has some is not."""
    last = metrics_of(Pack([trial()]))[-1]
    assert last["validation/kl"] == last["test/kl"]
    for name in ("elbo", "recon", "denoise"):
        assert last[f"validation/{name}"] != last[f"test/{name}"]
        assert last[f"validation/{name}"] == pytest.approx(last[f"test/{name}"], rel=0.1)
    few = metrics_of(Pack([trial(kept=20)]))[-1]
    assert few["validation/kl"] != few["test/kl"] == last["test/kl"]


def test_nothing_else_changes() -> None:
    plain = metrics_of(Pack([replace(trial(), data=Digits())]))
    assert plain == [
        {name: value for name, value in record.items() if not name.startswith("validation/")}
        for record in metrics_of(Pack([trial()]))
    ]


def test_a_pack_validates_each_member_as_it_would_alone() -> None:
    trials = [trial(0.2), replace(trial(0.3), seed=7)]
    together, alone = metrics_of(Pack(trials), 1)[-1], metrics_of(Pack(trials[1:]))[-1]
    assert together == pytest.approx(alone, rel=1e-9)
    assert "validation/elbo_full" in alone


def test_a_large_part_is_looked_at_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "VALIDATED", 20)
    assert metrics_of(Pack([trial()])) == metrics_of(Pack([trial(kept=20)]))
